"""Leave-one-out statistics of movies."""

from __future__ import annotations

import numpy as np
import pytest

from reelgraph.raters.gp.leave_one_out_stats import DAMPING, fit_movie_stats, leave_one_out_stats
from reelgraph.raters.gp.movie_content import MovieContent
from reelgraph.raters.gp.rating_table import RatingTable


def test_leave_one_out_stats_exclude_the_rating_itself(ratings: RatingTable, content: MovieContent) -> None:
    stats = fit_movie_stats(ratings, content, 0)
    by_rating = leave_one_out_stats(stats, ratings)
    deviation = ratings.stars - ratings.stars.mean()
    user_effect = np.array([
        (deviation - stats.damped_effect[ratings.movie])[ratings.user == user].sum()
        / ((ratings.user == user).sum() + DAMPING)
        for user in range(ratings.n_users)
    ])  # fmt: skip
    residual = deviation - user_effect[ratings.user]
    for row in range(0, len(residual), 37):
        same_movie = ratings.movie == ratings.movie[row]
        other_rows = np.flatnonzero(same_movie & (np.arange(len(residual)) != row))
        prior = stats.prior_effect[ratings.movie[row]]
        expected = (residual[other_rows].sum() + DAMPING * prior) / (len(other_rows) + DAMPING)
        assert by_rating.effect[row] == pytest.approx(expected)
        assert np.expm1(by_rating.log_count[row]) == pytest.approx(len(other_rows))

"""Leave-one-out statistics of movies."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from reelgraph.raters.gp.leave_one_out_stats import (
    DAMPING,
    HIDDEN_FRACTION,
    draw_hidden,
    fit_movie_stats,
    leave_one_out_stats,
    predict_from_content,
)
from reelgraph.raters.gp.movie_content import MovieContent
from reelgraph.raters.gp.rating_table import RatingTable


def test_leave_one_out_stats_exclude_the_rating_itself(ratings: RatingTable, content: MovieContent) -> None:
    stats = fit_movie_stats(ratings, content, 0)
    by_rating = leave_one_out_stats(stats, ratings, np.zeros(len(ratings.movie), bool))
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


def test_leave_one_out_stats_of_a_hidden_movie_come_from_its_content(
    ratings: RatingTable, content: MovieContent
) -> None:
    stats = fit_movie_stats(ratings, content, 0)
    is_hidden = np.arange(len(ratings.movie)) % 5 == 0
    shown = leave_one_out_stats(stats, ratings, np.zeros(len(ratings.movie), bool))
    hidden = leave_one_out_stats(stats, ratings, is_hidden)
    movie = ratings.movie[is_hidden]
    assert hidden.is_unrated[is_hidden].all()
    np.testing.assert_allclose(hidden.effect[is_hidden], stats.prior_effect[movie])
    np.testing.assert_allclose(hidden.log_count[is_hidden], stats.prior_log_count[movie])
    np.testing.assert_array_equal(hidden.effect[~is_hidden], shown.effect[~is_hidden])
    np.testing.assert_array_equal(hidden.is_unrated[~is_hidden], shown.is_unrated[~is_hidden])


def test_predict_from_content_of_a_movie_does_not_read_its_target(content: MovieContent) -> None:
    design = content.design_matrix()
    count = np.full(content.n_movies, 3.0)
    targets = np.random.default_rng(0).normal(size=(content.n_movies, 2))
    before = predict_from_content(design, count, targets, 0)
    targets[5] += 10
    after = predict_from_content(design, count, targets, 0)
    np.testing.assert_array_equal(after[5], before[5])
    assert (after != before).all(axis=1).sum() > content.n_movies / 2


def test_predict_from_content_of_one_column_is_that_of_equal_columns(content: MovieContent) -> None:
    design = content.design_matrix()
    count = np.arange(design.shape[0], dtype=np.float64)
    target = np.sin(np.arange(design.shape[0], dtype=np.float64))[:, None]
    single = predict_from_content(design, count, target, 0)
    np.testing.assert_allclose(single, predict_from_content(design, count, np.repeat(target, 2, 1), 0)[:, :1])


def test_draw_hidden_depends_on_its_seed_and_hides_fitted_ratings_only(ratings: RatingTable) -> None:
    is_fitted = np.arange(len(ratings.movie)) % 4 > 0
    table = replace(ratings, is_fitted=is_fitted)
    is_hidden = draw_hidden(table, 1)
    np.testing.assert_array_equal(is_hidden, draw_hidden(table, 1))
    assert (is_hidden != draw_hidden(table, 2)).any()
    assert not is_hidden[~is_fitted].any()
    assert is_hidden[is_fitted].mean() == pytest.approx(HIDDEN_FRACTION, abs=0.06)

"""What predictions of some day leave out, and how they are explained."""

from __future__ import annotations

import numpy as np
import pytest

from reelgraph.app.bundle.new_user import UserRating, build_histories
from reelgraph.raters.gp.rater import GpRater
from reelgraph.raters.rater import CandidateScores
from tests.helpers.bundle_samples import fit_sample_rater

N_RATINGS = 30
MOVIES = np.arange(30, 37)


@pytest.fixture(scope="module")
def rater() -> GpRater:
    return fit_sample_rater("gp")[0]


def score(rater: GpRater, stars: np.ndarray, some_day: bool = True) -> CandidateScores:
    """Score movies after ratings a minute apart."""
    ratings = [UserRating(row, float(value), 60 * row) for row, value in enumerate(stars)]
    histories = build_histories(ratings, [0])
    return next(iter(rater.score(histories, histories.train_end, histories.test, MOVIES, some_day)))


def test_score_of_some_day_leaves_out_the_drift(rater: GpRater) -> None:
    falling = np.linspace(5, 1, N_RATINGS).round()
    next_rating = score(rater, falling, some_day=False).prediction.stars.mean()
    later = score(rater, falling)
    assert later.user.drift < -0.05
    assert later.prediction.stars.mean() > next_rating
    assert score(rater, np.full(N_RATINGS, 4.0)).user.level > later.user.level


def test_score_of_some_day_reads_all_ratings(rater: GpRater) -> None:
    length = rater.params.context_length
    assert length < N_RATINGS
    stars = np.full(N_RATINGS, 3.0)
    changed = np.where(np.arange(N_RATINGS) < N_RATINGS - length, 5.0, 3.0)
    assert np.abs(score(rater, stars).prediction.stars - score(rater, changed).prediction.stars).max() > 0.01


def test_likeness_contributions_are_those_of_the_whole_history(rater: GpRater) -> None:
    stars = np.random.default_rng(0).integers(1, 11, N_RATINGS) / 2
    scores = score(rater, stars)
    attributions = scores.attributions(np.arange(len(MOVIES)))
    assert all(len(attribution.rating) == N_RATINGS for attribution in attributions)
    higher = score(rater, np.minimum(5.0, stars + (np.arange(N_RATINGS) == 3)))
    change = [
        after.contribution[3] - before.contribution[3]
        for before, after in zip(attributions, higher.attributions(np.arange(len(MOVIES))), strict=True)
    ]
    assert np.abs(change).max() > 1e-4
    assert scores.attributions(np.zeros(0, np.int64)) == []


def test_movie_vectors_are_unit_vectors(rater: GpRater) -> None:
    np.testing.assert_allclose(np.linalg.norm(rater.movie_vectors(), axis=1), 1, atol=1e-5)

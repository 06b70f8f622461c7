"""Baselines with probabilities: a shrunk histogram and a conformal predictive distribution."""

from __future__ import annotations

import numpy as np
import pytest

from reelgraph.core.rating_scale import codes_to_stars
from reelgraph.evaluation.io import ModelPredictions
from reelgraph.evaluation.probabilities import coverage_between, randomized_coverage
from reelgraph.evaluation.probability_baselines import (
    conformal,
    count_half_stars,
    histogram,
    probability_baselines,
)
from reelgraph.sequences.dataset import UserHistories, star_ratings
from tests.helpers.history_strategies import random_histories


@pytest.fixture(scope="module")
def histories() -> UserHistories:
    return random_histories(3, 40, 12, 30)


def test_histogram_shrinks_the_users_counts_to_the_movies(histories: UserHistories) -> None:
    target = histories.test[5]
    probabilities = histogram(count_half_stars(histories, "train", histories.test), 2.0, 3.0)[5]
    is_fitted = histories.mask_before(histories.fit_end("train"))
    code = histories.half_star_code.astype(np.int64) - 1
    total = np.bincount(code[is_fitted], minlength=10) + 1
    of_movie = np.bincount(
        code[is_fitted & (histories.movie_row == histories.movie_row[target])], minlength=10
    )
    movie = (of_movie + 2 * total / total.sum()) / (of_movie.sum() + 2)
    start = histories.offsets[histories.users_of(np.array([target]))[0]]
    of_user = np.bincount(code[start:target], minlength=10)
    np.testing.assert_allclose(probabilities, (of_user + 3 * movie) / (of_user.sum() + 3))


def test_conformal_is_the_prediction_plus_the_residuals() -> None:
    probabilities = conformal(np.array([-0.5, 0.0, 0.0, 2.0]), np.array([3.0, 4.9]))
    expected = np.full((2, 10), 0.1)
    expected[0, [4, 5, 9]] += [1, 2, 1]
    expected[1, [8, 9]] += [1, 3]  # 4.4 is nearest to 4.5, and 6.9 to 5
    np.testing.assert_allclose(probabilities, expected / 5)


def test_conformal_covers_ratings_with_residuals_of_the_same_distribution() -> None:
    rng = np.random.default_rng(0)
    stars = rng.uniform(2, 4, 4000)
    codes = np.clip(np.rint((stars + rng.normal(0, 0.8, 4000)) * 2), 1, 10).astype(np.int64)
    residual = codes_to_stars(codes) - stars
    probabilities = conformal(residual[:2000], stars[2000:])
    assert randomized_coverage(codes[2000:], probabilities, 0.8).mean() == pytest.approx(0.8, abs=0.03)
    assert coverage_between(codes[2000:], probabilities, 0.0, 0.5).mean() == pytest.approx(0.5, abs=0.03)


def test_probability_baselines_use_the_baseline_with_the_lowest_validation_error(
    histories: UserHistories,
) -> None:
    val = star_ratings(histories, histories.val)
    test = {"train": np.full(len(histories.test), 3.0)}
    baselines = {"bad": ModelPredictions(val + 1, test), "good": ModelPredictions(val, test)}
    probabilities = probability_baselines(histories, baselines, "train")
    assert list(probabilities) == ["histogram", "conformal_good"]
    assert all((values > 0).all() for values in probabilities.values())
    assert (probabilities["conformal_good"].argmax(axis=1) == 5).all()

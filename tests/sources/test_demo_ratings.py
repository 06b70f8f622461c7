"""States, drift, noise and rounding have the variances of the ground truth."""

from __future__ import annotations

import numpy as np
import pytest

from reelgraph.sources.demo.exposure import SECONDS_PER_DAY, Exposure
from reelgraph.sources.demo.ratings import (
    DRIFT_PER_DAY,
    NOISE_STD,
    PRIOR_VARIANCE,
    add_noise_and_round,
    expected_ratings,
)

USERS = 40_000
DAYS = 365


def two_ratings_per_user(seconds: int) -> Exposure:
    """All users rate movie 0 twice, some seconds apart."""
    times = np.tile(np.array([10**9, 10**9 + seconds]), USERS)
    return Exposure(np.arange(0, 2 * USERS + 1, 2), np.zeros(2 * USERS, np.int64), times)


def test_expected_ratings_prior_and_random_walk() -> None:
    factors = np.arange(1.0, len(PRIOR_VARIANCE))[None] / 10
    observation = np.concatenate([[1.0], factors[0]])
    expected = expected_ratings(
        np.random.default_rng(1), two_ratings_per_user(DAYS * SECONDS_PER_DAY), factors, np.array([3.0])
    )
    first, second = expected.reshape(USERS, 2).T
    assert first.mean() == pytest.approx(3.0, abs=0.03)
    assert first.var() == pytest.approx(observation**2 @ PRIOR_VARIANCE, rel=0.03)
    assert (second - first).var() == pytest.approx(observation**2 @ DRIFT_PER_DAY * DAYS, rel=0.03)
    assert abs(np.corrcoef(first, second - first)[0, 1]) < 0.02


def test_expected_ratings_no_drift_at_equal_times() -> None:
    factors = np.ones((1, len(PRIOR_VARIANCE) - 1))
    expected = expected_ratings(np.random.default_rng(1), two_ratings_per_user(0), factors, np.array([3.0]))
    np.testing.assert_allclose(expected[::2], expected[1::2], atol=1e-9)


def test_add_noise_and_round_half_stars() -> None:
    stars = add_noise_and_round(np.random.default_rng(2), np.full(200_000, 2.8))
    assert (stars * 2 == np.round(stars * 2)).all()
    assert stars.mean() == pytest.approx(2.8, abs=0.01)
    assert stars.var() == pytest.approx(NOISE_STD**2 + 1 / 48, rel=0.02)


def test_add_noise_and_round_clips_to_scale() -> None:
    stars = add_noise_and_round(np.random.default_rng(3), np.array([-4.0, 9.0]))
    assert stars.tolist() == [0.5, 5.0]

"""Bootstrap over users: what the figures could have been with other people from the same crowd."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int64

RESAMPLES = 2000
LEVEL = 0.95
DRAWS_AT_ONCE = 1 << 22


class Interval(NamedTuple):
    """A two-sided 95 % interval."""

    low: float
    high: float


def resampled_means(
    user: Int64[np.ndarray, " targets"], columns: Float[np.ndarray, "targets columns"], seed: int
) -> Float[np.ndarray, "resamples columns"]:
    """Mean of each column over the targets of users drawn with replacement, 2,000 times.

    All columns see the same draws, so that differences between them are paired.

    Args:
        user: the user of each target; a user's targets are drawn together.
        columns: what is averaged.
        seed: of the draws.
    """
    _, groups = np.unique(user, return_inverse=True)
    ones = np.ones(len(groups))
    sums = np.stack([np.bincount(groups, weight) for weight in (ones, *columns.T)], axis=1)
    generator, users = np.random.default_rng(seed), len(sums)
    at_once = max(1, DRAWS_AT_ONCE // users)
    parts = []
    for start in range(0, RESAMPLES, at_once):
        draws = min(at_once, RESAMPLES - start)
        drawn = generator.integers(users, size=(draws, users), dtype=np.int32)
        drawn += np.arange(draws, dtype=np.int32)[:, None] * np.int32(users)
        # How often each user was drawn, as floats: a matrix product is ten times faster than gathering.
        times = np.bincount(drawn.ravel(), minlength=draws * users).reshape(draws, users)
        parts.append(times.astype(np.float64) @ sums)
    total = np.concatenate(parts)
    return total[:, 1:] / total[:, :1]


def interval(values: Float[np.ndarray, " resamples"]) -> Interval:
    """Percentile interval of a resampled figure (Efron 1979)."""
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(low), float(high))


def paired_rmse(
    user: Int64[np.ndarray, " targets"],
    squared: Float[np.ndarray, " targets"],
    other_squared: Float[np.ndarray, " targets"],
    seed: int,
) -> Interval:
    """Interval of RMSE minus the other's RMSE on the same targets, in stars.

    Args:
        user: the user of each target.
        squared: squared errors of a model, stars².
        other_squared: squared errors of what it is compared with.
        seed: of the draws.
    """
    own, other = np.sqrt(resampled_means(user, np.stack([squared, other_squared], axis=1), seed)).T
    return interval(own - other)

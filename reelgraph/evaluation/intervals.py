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


def rmse_interval(
    user: Int64[np.ndarray, " targets"], squared: Float[np.ndarray, " targets"], seed: int
) -> Interval:
    """Interval of an RMSE, in stars; see ``paired_rmse``."""
    return paired_rmse(user, squared, np.zeros_like(squared), seed)


def paired_rmse(
    user: Int64[np.ndarray, " targets"],
    squared: Float[np.ndarray, " targets"],
    other_squared: Float[np.ndarray, " targets"],
    seed: int,
) -> Interval:
    """Interval of RMSE minus the other's RMSE on the same targets, in stars.

    Percentile bootstrap (Efron 1979), users drawn with replacement, 2,000 times.

    Args:
        user: the user of each target; a user's targets are drawn together.
        squared: squared errors of a model, stars².
        other_squared: squared errors of what it is compared with.
        seed: of the draws.
    """
    _, groups = np.unique(user, return_inverse=True)
    weights = (None, squared, other_squared)
    sums = np.stack([np.bincount(groups, weight) for weight in weights], axis=1)
    generator = np.random.default_rng(seed)
    at_once = max(1, DRAWS_AT_ONCE // len(sums))
    parts = []
    for start in range(0, RESAMPLES, at_once):
        draws = generator.integers(len(sums), size=(min(at_once, RESAMPLES - start), len(sums)))
        parts.append(sums[draws].sum(axis=1))
    n, own, other = np.concatenate(parts).T
    low, high = np.quantile(np.sqrt(own / n) - np.sqrt(other / n), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(low), float(high))

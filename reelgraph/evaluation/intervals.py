"""Bootstrap confidence intervals over users."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int64

N_RESAMPLES = 2000
CONFIDENCE = 0.95
MAX_BATCH_COUNTS = 1 << 17
"""Counts in memory at a time: 1 MB stays in a processor's cache, which is four times as fast."""
MAX_GROUPS = 20_000
"""Units that are resampled, at most; more users are put into this many random groups of equal size.

The variance over groups is the same, and known to 1 %, which is as much as 2,000 resamples can tell.
"""


class Interval(NamedTuple):
    """A two-sided 95 % interval."""

    low: float
    high: float


def bootstrap_means(
    user: Int64[np.ndarray, " targets"], columns: Float[np.ndarray, "targets columns"], seed: int
) -> Float[np.ndarray, "resamples columns"]:
    """Return the mean of each column over users resampled with replacement, 2,000 times.

    All columns share the resamples, so differences between columns are paired.

    Args:
        user: the user of each target; the targets of a user are resampled together.
        columns: values to average.
        seed: seed of the resamples.
    """
    rng = np.random.default_rng(seed)
    group = _assign_groups(user, rng)
    sums = np.stack([np.bincount(group, weight) for weight in (np.ones(len(user)), *columns.T)], axis=1)
    batch_size = max(1, MAX_BATCH_COUNTS // len(sums))
    batches = [min(batch_size, N_RESAMPLES - start) for start in range(0, N_RESAMPLES, batch_size)]
    total = np.concatenate([_resample_counts(rng, count, len(sums)) @ sums for count in batches])
    return total[:, 1:] / total[:, :1]


def _assign_groups(
    user: Int64[np.ndarray, " targets"], rng: np.random.Generator
) -> Int64[np.ndarray, " targets"]:
    """Number the users from 0, or put them into random groups if there are too many."""
    users, number = np.unique(user, return_inverse=True)
    if len(users) <= MAX_GROUPS:
        return number
    return (rng.permutation(len(users)) % MAX_GROUPS)[number]


def _resample_counts(
    rng: np.random.Generator, n_resamples: int, n_groups: int
) -> Float[np.ndarray, "resamples groups"]:
    """Sample ``n_groups`` groups with replacement; return how often each group occurs."""
    sampled = rng.integers(n_groups, size=(n_resamples, n_groups))
    sampled = sampled + np.arange(n_resamples)[:, None] * n_groups
    counts = np.bincount(sampled.ravel(), minlength=n_resamples * n_groups)
    return counts.reshape(n_resamples, n_groups).astype(np.float64)


def percentile_interval(values: Float[np.ndarray, " resamples"]) -> Interval:
    """Return the percentile interval of a resampled statistic (Efron 1979)."""
    low, high = np.quantile(values, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(float(low), float(high))


def paired_rmse_interval(
    user: Int64[np.ndarray, " targets"],
    squared: Float[np.ndarray, " targets"],
    baseline_squared: Float[np.ndarray, " targets"],
    seed: int,
) -> Interval:
    """Return the interval of a model's RMSE minus the baseline's RMSE on the same targets, in stars.

    Args:
        user: the user of each target.
        squared: squared errors of the model, stars².
        baseline_squared: squared errors of the baseline, stars².
        seed: seed of the resamples.
    """
    means = bootstrap_means(user, np.stack([squared, baseline_squared], axis=1), seed)
    model_rmse, baseline_rmse = np.sqrt(means).T
    return percentile_interval(model_rmse - baseline_rmse)

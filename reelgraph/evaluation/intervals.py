"""Bootstrap confidence intervals over users, or over users and movies.

Targets are a sample of users. Where a split holds out movies, they are a sample of movies, too: a movie's
targets share its error. Then users and movies are resampled independently, and a target counts as often as
its user times as often as its movie (Owen 2007, "The pigeonhole bootstrap"). Such an interval is slightly too
wide: it counts what is neither the user's nor the movie's three times.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int64

from reelgraph.sequences.dataset import UserHistories

N_RESAMPLES = 2000
CONFIDENCE = 0.95
MAX_BATCH_COUNTS = 1 << 17
"""Counts in memory at a time: 1 MB stays in a processor's cache, which is four times as fast."""
MAX_BATCH_WEIGHTS = 1 << 20
"""The same for weights of targets, which are read in rows of one target."""
MAX_GROUPS = 20_000
"""Clusters that are resampled, at most; more are put into this many random groups of equal size.

The variance over groups is the same, and known to 1 %, which is as much as 2,000 resamples can tell.
"""


class Interval(NamedTuple):
    """A two-sided 95 % interval."""

    low: float
    high: float


class Clusters(NamedTuple):
    """What is resampled together: the targets of a user, and those of a movie."""

    user: Int64[np.ndarray, " targets"]
    movie: Int64[np.ndarray, " targets"] | None = None
    """None: only users are resampled."""

    def select(self, mask: Bool[np.ndarray, " targets"]) -> Clusters:
        """Return the clusters of some targets."""
        return Clusters(self.user[mask], None if self.movie is None else self.movie[mask])


def target_clusters(histories: UserHistories, index: Int64[np.ndarray, " targets"]) -> Clusters:
    """Return the users of targets, and their movies if the split holds out movies."""
    movie = histories.movie_row[index].astype(np.int64) if len(histories.test_movies) else None
    return Clusters(histories.users_of(index), movie)


def bootstrap_means(
    clusters: Clusters, columns: Float[np.ndarray, "targets columns"], seed: int
) -> Float[np.ndarray, "resamples columns"]:
    """Return the mean of each column over clusters resampled with replacement, 2,000 times.

    All columns share the resamples, so differences between columns are paired. With two kinds of clusters, a
    resample of a few targets may have none; it is left out.

    Args:
        clusters: users of the targets, and perhaps movies.
        columns: values to average.
        seed: seed of the resamples.
    """
    rng = np.random.default_rng(seed)
    weighted = np.column_stack([np.ones(len(columns)), columns])
    if clusters.movie is None:
        total = _resample_users(clusters.user, weighted, rng)
    else:
        total = _resample_users_and_movies(clusters.user, clusters.movie, weighted, rng)
        total = total[total[:, 0] > 0]
    return total[:, 1:] / total[:, :1]


def _resample_users(
    user: Int64[np.ndarray, " targets"], columns: Float[np.ndarray, "targets sums"], rng: np.random.Generator
) -> Float[np.ndarray, "resamples sums"]:
    """Return the sum of each column over the targets of resampled users."""
    group = _assign_groups(user, rng)
    sums = np.stack([np.bincount(group, weight) for weight in columns.T], axis=1)
    total = [
        _resample_counts(rng, size, len(sums)) @ sums for size in _batch_sizes(MAX_BATCH_COUNTS // len(sums))
    ]
    return np.concatenate(total)


def _resample_users_and_movies(
    user: Int64[np.ndarray, " targets"],
    movie: Int64[np.ndarray, " targets"],
    columns: Float[np.ndarray, "targets sums"],
    rng: np.random.Generator,
) -> Float[np.ndarray, "resamples sums"]:
    """Return the sum of each column over the targets, times the counts of their user and of their movie."""
    groups = [_assign_groups(cluster, rng) for cluster in (user, movie)]
    n_groups = [int(group.max(initial=-1)) + 1 for group in groups]
    total = []
    for size in _batch_sizes(MAX_BATCH_WEIGHTS // len(columns)):
        user_weight, movie_weight = (
            np.ascontiguousarray(_resample_counts(rng, size, count).T)[group]
            for group, count in zip(groups, n_groups, strict=True)
        )
        total.append((user_weight * movie_weight).T @ columns)
    return np.concatenate(total)


def _batch_sizes(largest: int) -> list[int]:
    """Split the resamples into batches of a largest size, and of 1 at least."""
    size = max(1, largest)
    return [min(size, N_RESAMPLES - start) for start in range(0, N_RESAMPLES, size)]


def _assign_groups(
    cluster: Int64[np.ndarray, " targets"], rng: np.random.Generator
) -> Int64[np.ndarray, " targets"]:
    """Number the clusters from 0, or put them into random groups if there are too many."""
    clusters, number = np.unique(cluster, return_inverse=True)
    if len(clusters) <= MAX_GROUPS:
        return number
    return (rng.permutation(len(clusters)) % MAX_GROUPS)[number]


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


def interval_columns(resampled: Mapping[str, Float[np.ndarray, " resamples"]]) -> dict[str, float]:
    """Return ``NAME_low`` and ``NAME_high`` of each resampled statistic, as tables name them."""
    columns = {}
    for name, values in resampled.items():
        columns[f"{name}_low"], columns[f"{name}_high"] = percentile_interval(values)
    return columns


def compare_with_reference(
    resampled: Mapping[str, Mapping[str, Float[np.ndarray, " resamples"]]], reference: str
) -> dict[str, dict[str, float]]:
    """Return the intervals of each model's statistics.

    If the reference is among the models, every other model also gets the paired intervals of the
    reference's statistic minus its own, ``NAME_diff_low`` and ``NAME_diff_high``.

    Args:
        resampled: model → statistic → its values on the same resamples.
        reference: name of a model.
    """
    columns = {}
    for model, statistics in resampled.items():
        columns[model] = interval_columns(statistics)
        if model != reference and reference in resampled:
            difference = {
                f"{name}_diff": resampled[reference][name] - statistics[name] for name in statistics
            }
            columns[model] |= interval_columns(difference)
    return columns


def paired_rmse_interval(
    user: Int64[np.ndarray, " targets"],
    squared: Float[np.ndarray, " targets"],
    baseline_squared: Float[np.ndarray, " targets"],
    seed: int,
) -> Interval:
    """Return the interval over users of a model's RMSE minus the baseline's on the same targets, in stars.

    Args:
        user: the user of each target.
        squared: squared errors of the model, stars².
        baseline_squared: squared errors of the baseline, stars².
        seed: seed of the resamples.
    """
    means = bootstrap_means(Clusters(user), np.stack([squared, baseline_squared], axis=1), seed)
    model_rmse, baseline_rmse = np.sqrt(means).T
    return percentile_interval(model_rmse - baseline_rmse)

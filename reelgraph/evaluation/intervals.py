"""Bootstrap over users: what the figures could have been with other people from the same crowd."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int64

RESAMPLES = 2000
LEVEL = 0.95
DRAWS_AT_ONCE = 1 << 17
"""Whose counts, 1 MB, stay in a processor's cache: four times as fast as those of all."""
MOST_GROUPS = 20_000
"""Units that are drawn at most: more users are put into as many random groups of one size. The variance
that the groups show is the same, and known within 1 %, which is what 2,000 draws are good for."""


class Interval(NamedTuple):
    """A two-sided 95 % interval."""

    low: float
    high: float


def bootstrap_means(
    user: Int64[np.ndarray, " targets"], columns: Float[np.ndarray, "targets columns"], seed: int
) -> Float[np.ndarray, "resamples columns"]:
    """Mean of each column over the targets of users drawn with replacement, 2,000 times.

    All columns see the same draws, so that differences between them are paired.

    Args:
        user: the user of each target; a user's targets are drawn together.
        columns: what is averaged.
        seed: of the draws.
    """
    generator = np.random.default_rng(seed)
    group = _groups(user, generator)
    sums = np.stack([np.bincount(group, weight) for weight in (np.ones(len(user)), *columns.T)], axis=1)
    at_once = max(1, DRAWS_AT_ONCE // len(sums))
    counts = [min(at_once, RESAMPLES - start) for start in range(0, RESAMPLES, at_once)]
    total = np.concatenate([_times_drawn(generator, draws, len(sums)) @ sums for draws in counts])
    return total[:, 1:] / total[:, :1]


def _groups(
    user: Int64[np.ndarray, " targets"], generator: np.random.Generator
) -> Int64[np.ndarray, " targets"]:
    """Number the users from 0, or put them into groups if they are too many."""
    users, number = np.unique(user, return_inverse=True)
    if len(users) <= MOST_GROUPS:
        return number
    return (generator.permutation(len(users)) % MOST_GROUPS)[number]


def _times_drawn(
    generator: np.random.Generator, draws: int, groups: int
) -> Float[np.ndarray, "draws groups"]:
    """Draw as many groups as there are, with replacement; return how often each came."""
    drawn = generator.integers(groups, size=(draws, groups)) + np.arange(draws)[:, None] * groups
    return np.bincount(drawn.ravel(), minlength=draws * groups).reshape(draws, groups).astype(np.float64)


def percentile_interval(values: Float[np.ndarray, " resamples"]) -> Interval:
    """Percentile interval of a resampled figure (Efron 1979)."""
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(low), float(high))


def paired_rmse_interval(
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
    own, other = np.sqrt(bootstrap_means(user, np.stack([squared, other_squared], axis=1), seed)).T
    return percentile_interval(own - other)

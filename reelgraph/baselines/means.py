"""Sums over the rows that a model is fitted on, in half-star codes, so that they are exact integers."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int64

from reelgraph.core.rating_scale import from_codes
from reelgraph.sequences.arrays import Histories

Ends = Int64[np.ndarray, " users"]


def global_mean(histories: Histories, fit_end: Ends) -> float:
    """Mean of all rows before each user's ``fit_end``, in stars; each counts once."""
    sums = running_sums(histories)
    start = histories.offsets[:-1]
    return float(from_codes((sums[fit_end] - sums[start]).sum() / (fit_end - start).sum()))


def user_means(histories: Histories, fit_end: Ends) -> Float[np.ndarray, " users"]:
    """Mean of each user's rows before ``fit_end``, in stars; the global mean for a user without any."""
    sums, start = running_sums(histories), histories.offsets[:-1]
    count = fit_end - start
    means = (sums[fit_end] - sums[start]) / np.maximum(count, 1)
    return np.where(count > 0, from_codes(means), global_mean(histories, fit_end))


def running_sums(histories: Histories) -> Int64[np.ndarray, " sums"]:
    """Sum of the codes before each index."""
    return np.concatenate([[0], np.cumsum(histories.code, dtype=np.int64)])

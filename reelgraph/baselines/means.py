"""Sums over training rows, in half-star codes, so that they are exact integers."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int64

from reelgraph.histories.arrays import Histories
from reelgraph.stars import from_codes


def is_training(histories: Histories) -> Bool[np.ndarray, "ratings"]:
    """Tell for each rating whether it is a training row; each counts once."""
    lengths = np.diff(histories.offsets)
    return np.arange(len(histories.code)) < np.repeat(histories.train_end, lengths)


def global_mean(histories: Histories) -> float:
    """Mean of all training rows, in stars."""
    codes = histories.code[is_training(histories)]
    return float(from_codes(codes.sum(dtype=np.int64) / len(codes)))


def user_means(histories: Histories) -> Float[np.ndarray, "users"]:
    """Mean of each user's training rows, in stars; the global mean for a user without any."""
    sums = running_sums(histories)
    start, end = histories.offsets[:-1], histories.train_end
    count = end - start
    means = (sums[end] - sums[start]) / np.maximum(count, 1)
    return np.where(count > 0, from_codes(means), global_mean(histories))


def running_sums(histories: Histories) -> Int64[np.ndarray, "sums"]:
    """Sum of the codes before each index."""
    return np.concatenate([[0], np.cumsum(histories.code, dtype=np.int64)])

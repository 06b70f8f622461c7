"""Which ratings are targets: a user's last for test, the one before to validate, earlier ones to train."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Int64

from reelgraph.errors import InputError


class Split(NamedTuple):
    """Indices into the flat rating arrays."""

    train_end: Int64[np.ndarray, "users"]
    val_end: Int64[np.ndarray, "users"]
    limit: Int64[np.ndarray, "users"]
    train: Int64[np.ndarray, "train_targets"]
    val: Int64[np.ndarray, "val_targets"]
    test: Int64[np.ndarray, "test_targets"]


def leave_last_out(
    offsets: Int64[np.ndarray, "bounds"], min_history: int, train_targets: int, test_last: int
) -> Split:
    """Split each user's n ratings, positions counted from 0, m = ``min_history``, t = ``test_last``.

    Test targets: the last t, where n ≥ m + t. Validation target: n − t − 1, where n > m + t.
    Training targets: m … n − t − 2; of more than ``train_targets`` of them every k-th,
    k = count // train_targets, the first ``train_targets`` (0: all).
    Training rows: all before the validation target, else before the test targets, else all.

    Raises:
        InputError: no user has enough ratings for a validation and a training target.
    """
    start, end = offsets[:-1], offsets[1:]
    n = end - start
    has_test, has_val = n >= min_history + test_last, n > min_history + test_last
    tested = test_last * has_test
    count = np.maximum(n - min_history - test_last - 1, 0)
    if not count.any():
        needed = min_history + test_last + 2
        raise InputError(
            "data/ratings.parquet",
            f"a user with {needed} ratings or more",
            f"at most {n.max()} a user",
            "Lower sequences.min_history, or add ratings.",
        )
    taken, step = count, np.ones_like(count)
    if train_targets:
        taken = np.minimum(count, train_targets)
        step = np.maximum(count // train_targets, 1)
    return Split(
        train_end=end - tested - has_val,
        val_end=end - tested,
        limit=np.array(end),
        train=_spread(start + min_history, taken, step),
        val=(end - test_last - 1)[has_val],
        test=_spread(end - tested, tested, np.ones_like(tested)),
    )


def _spread(
    first: Int64[np.ndarray, "users"],
    taken: Int64[np.ndarray, "users"],
    step: Int64[np.ndarray, "users"],
) -> Int64[np.ndarray, "targets"]:
    """Return first, first + step, …, ``taken`` of them for each user."""
    begins = np.cumsum(taken) - taken
    within = np.arange(taken.sum()) - np.repeat(begins, taken)
    return np.repeat(first, taken) + within * np.repeat(step, taken)

"""Which ratings are targets, and where training and validation rows end.

leave_last_out: a user's last for test, the one before to validate, earlier ones to train. global_time: what
lies behind one moment for everybody. given: what the source says.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int64

from reelgraph.runtime.errors import InputError

Users = Int64[np.ndarray, "users"]
Bounds = Int64[np.ndarray, "bounds"]


class Split(NamedTuple):
    """Indices into the flat rating arrays; see ``reelgraph.sequences.dataset.UserHistories``."""

    train_end: Int64[np.ndarray, "users"]
    val_end: Int64[np.ndarray, "users"]
    history_cap: Int64[np.ndarray, "users"]
    train: Int64[np.ndarray, "train_targets"]
    val: Int64[np.ndarray, "val_targets"]
    test: Int64[np.ndarray, "test_targets"]


def leave_last_out(offsets: Bounds, min_history: int, train_targets: int, n_test: int) -> Split:
    """Split each user's n ratings, positions counted from 0, m = ``min_history``, t = ``n_test``.

    Test targets: the last t, where n ≥ m + t. Validation target: n − t − 1, where n > m + t.
    Training targets: m … n − t − 2; of more than ``train_targets`` of them every k-th,
    k = count // train_targets, the first ``train_targets`` (0: all).
    Training rows: all before the validation target, else before the test targets, else all.

    Raises:
        InputError: no user has enough ratings for a validation and a training target.
    """
    start, end = offsets[:-1], offsets[1:]
    n = end - start
    has_test, has_val = n >= min_history + n_test, n > min_history + n_test
    tested = n_test * has_test
    count = np.maximum(n - min_history - n_test - 1, 0)
    if not count.any():
        needed = min_history + n_test + 2
        raise InputError(
            "data/ratings.parquet",
            f"a user with {needed} ratings or more",
            f"at most {n.max()} a user",
            "Lower sequences.min_history, or add ratings.",
        )
    return Split(
        train_end=end - tested - has_val,
        val_end=end - tested,
        history_cap=np.array(end),
        train=_evenly(start + min_history, count, train_targets),
        val=(end - n_test - 1)[has_val],
        test=_run(end - tested, tested),
    )


def global_time(
    offsets: Bounds,
    min_history: int,
    train_targets: int,
    timestamp: Int64[np.ndarray, "ratings"],
    val_fraction: float,
    test_fraction: float,
) -> Split:
    """Cut everybody's ratings at the same two moments: train, validation, test.

    The moments are those of the ratings behind which the shares lie; ratings of the same second
    fall on the same side. A row with ``min_history`` ratings of its user before it is a target,
    of the training rows at most ``train_targets`` a user (see ``leave_last_out``).

    Raises:
        InputError: one of the three parts has no target.
    """
    start, end, n = offsets[:-1], offsets[1:], len(timestamp)
    test_from = n - max(1, round(test_fraction * n))
    val_from = max(0, test_from - max(1, round(val_fraction * n)))
    first, second = np.partition(timestamp, (val_from, test_from))[[val_from, test_from]]
    train_end, val_end = (start + _counts(timestamp < cut, offsets) for cut in (first, second))
    enough = start + min_history
    split = Split(
        train_end=train_end,
        val_end=val_end,
        history_cap=np.array(end),
        train=_evenly(enough, np.maximum(train_end - enough, 0), train_targets),
        val=_between(np.maximum(train_end, enough), val_end),
        test=_between(np.maximum(val_end, enough), end),
    )
    return _with_targets(split, f"targets with {min_history} earlier ratings in each part of global_time",
                         "Change sequences.val_fraction or test_fraction, or lower min_history.")  # fmt: skip


def predefined(
    offsets: Bounds, min_history: int, train_targets: int, test: Bool[np.ndarray, "ratings"]
) -> Split:
    """Keep the split that came with the ratings; of each user the rows of the training part come first.

    Every test row is a target. The last training row validates, where its user has two; of the others those
    with ``min_history`` before them are training targets, at most ``train_targets`` a user.

    Raises:
        InputError: one of the three parts has no target.
    """
    start = offsets[:-1]
    limit = start + _counts(~test, offsets)
    train_end = limit - (limit - start >= 2)
    enough = start + min_history
    split = Split(
        train_end=train_end,
        val_end=np.array(limit),
        history_cap=limit,
        train=_evenly(enough, np.maximum(train_end - enough, 0), train_targets),
        val=train_end[train_end < limit],
        test=np.flatnonzero(test),
    )
    return _with_targets(split, "training, validation and test targets in the predefined split",
                         "Mark test ratings, and only them, in data.test or column test; "
                         "or lower sequences.min_history.")  # fmt: skip


def _with_targets(split: Split, expected: str, remedy: str) -> Split:
    counts = {"training": len(split.train), "validation": len(split.val), "test": len(split.test)}
    if not all(counts.values()):
        got = ", ".join(f"{count:,} {part}" for part, count in counts.items())
        raise InputError("data/ratings.parquet", expected, got, remedy)
    return split


def _counts(chosen: Bool[np.ndarray, "ratings"], offsets: Bounds) -> Users:
    """Return how many of each user's ratings are chosen."""
    total = np.concatenate([[0], np.cumsum(chosen)])
    return total[offsets[1:]] - total[offsets[:-1]]


def _evenly(first: Users, count: Users, most: int) -> Int64[np.ndarray, "targets"]:
    """Return first … first + count − 1, or of more than ``most`` every (count // most)-th; 0: all."""
    if not most:
        return _run(first, count)
    return _run(first, np.minimum(count, most), np.maximum(count // most, 1))


def _between(first: Users, end: Users) -> Int64[np.ndarray, "targets"]:
    return _run(first, np.maximum(end - first, 0))


def _run(first: Users, taken: Users, step: Users | int = 1) -> Int64[np.ndarray, "targets"]:
    """Return first, first + step, …, ``taken`` of them for each user."""
    within = np.arange(taken.sum()) - np.repeat(np.cumsum(taken) - taken, taken)
    return np.repeat(first, taken) + within * np.repeat(np.broadcast_to(step, taken.shape), taken)

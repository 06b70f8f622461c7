"""Split rules: which ratings are targets, and where each user's training and validation rows end.

leave_last_out: a user's last ratings are for testing, the one before for validation, earlier ones for
training. global_time: two cutoff times for all users. predefined: the split of the source. For movies that
nobody has rated, see ``reelgraph.sequences.movie_splits``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int64

from reelgraph.runtime.errors import InputError
from reelgraph.sequences.dataset import no_movies

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
    val_movies: Int64[np.ndarray, "val_movies"] = no_movies()
    test_movies: Int64[np.ndarray, "test_movies"] = no_movies()


def leave_last_out(offsets: Bounds, min_history: int, train_targets: int, n_test: int) -> Split:
    """Split each user's n ratings by position, counted from 0; m = ``min_history``, t = ``n_test``.

    - Test targets: the last t, if n ≥ m + t.
    - Validation target: n − t − 1, if n > m + t.
    - Training targets: m … n − t − 2. If there are more than ``train_targets``, every k-th of them,
      k = count // ``train_targets``, and of these the first ``train_targets`` (0: all).
    - Training rows: all before the validation target, else before the test targets, else all.

    Raises:
        InputError: no user has enough ratings for a validation and a training target.
    """
    start = offsets[:-1]
    end = offsets[1:]
    n = end - start
    has_test = n >= min_history + n_test
    has_val = n > min_history + n_test
    test_count = n_test * has_test
    train = training_targets(start + min_history, end - n_test - 1, train_targets)
    if not len(train):
        raise InputError(
            "data/ratings.parquet",
            f"a user with {min_history + n_test + 2} ratings or more",
            f"at most {n.max()} a user",
            "Lower sequences.min_history or sequences.n_test, or add ratings.",
        )
    return Split(
        train_end=end - test_count - has_val,
        val_end=end - test_count,
        history_cap=np.array(end),
        train=train,
        val=(end - n_test - 1)[has_val],
        test=_ranges(end - test_count, test_count),
    )


def global_time(
    offsets: Bounds,
    min_history: int,
    train_targets: int,
    timestamp: Int64[np.ndarray, "ratings"],
    val_fraction: float,
    test_fraction: float,
) -> Split:
    """Split all users' ratings at the same two cutoff times into training, validation and test rows.

    The cutoffs are the times of the ratings after which the fractions lie. Ratings of the same second are on
    the same side. A row with at least ``min_history`` earlier ratings of its user is a target; of the
    training rows, at most ``train_targets`` per user (see ``leave_last_out``).

    Raises:
        InputError: one of the three parts has no target.
    """
    start = offsets[:-1]
    end = offsets[1:]
    n = len(timestamp)
    first_test = n - max(1, round(test_fraction * n))
    first_val = max(0, first_test - max(1, round(val_fraction * n)))
    val_cutoff, test_cutoff = np.partition(timestamp, (first_val, first_test))[[first_val, first_test]]
    train_end = start + count_per_user(timestamp < val_cutoff, offsets)
    val_end = start + count_per_user(timestamp < test_cutoff, offsets)
    first_target = start + min_history
    split = Split(
        train_end=train_end,
        val_end=val_end,
        history_cap=np.array(end),
        train=training_targets(first_target, train_end, train_targets),
        val=_between(np.maximum(train_end, first_target), val_end),
        test=_between(np.maximum(val_end, first_target), end),
    )
    check_targets(split, f"targets with {min_history} earlier ratings in each part of global_time",
                   "Change sequences.val_fraction or test_fraction, or lower min_history.")  # fmt: skip
    return split


def predefined(
    offsets: Bounds, min_history: int, train_targets: int, test: Bool[np.ndarray, "ratings"]
) -> Split:
    """Use the split of the source; each user's training rows precede their test rows.

    Every test row is a target. The last training row is the validation target, if the user has at least two.
    The others are training targets if ``min_history`` rows precede them, at most ``train_targets`` per user.

    Raises:
        InputError: one of the three parts has no target.
    """
    start = offsets[:-1]
    history_cap = start + count_per_user(~test, offsets)
    train_end = history_cap - (history_cap - start >= 2)
    split = Split(
        train_end=train_end,
        val_end=np.array(history_cap),
        history_cap=history_cap,
        train=training_targets(start + min_history, train_end, train_targets),
        val=train_end[train_end < history_cap],
        test=np.flatnonzero(test),
    )
    check_targets(split, "training, validation and test targets in the predefined split",
                   "Mark test ratings, and only them, in data.test or column test; "
                   "or lower sequences.min_history.")  # fmt: skip
    return split


def check_targets(split: Split, expected: str, remedy: str) -> None:
    """Raise an ``InputError`` if one of the three parts has no target."""
    counts = {"training": len(split.train), "validation": len(split.val), "test": len(split.test)}
    if not all(counts.values()):
        got = ", ".join(f"{count:,} {part}" for part, count in counts.items())
        raise InputError("data/ratings.parquet", expected, got, remedy)


def count_per_user(mask: Bool[np.ndarray, "ratings"], offsets: Bounds) -> Users:
    """Return how many of each user's ratings are in the mask."""
    total = np.concatenate([[0], np.cumsum(mask)])
    return total[offsets[1:]] - total[offsets[:-1]]


def training_targets(first: Users, end: Users, max_count: int) -> Int64[np.ndarray, "targets"]:
    """Return first … end − 1; of more than ``max_count``, every (count // max_count)-th. 0: all."""
    count = np.maximum(end - first, 0)
    if not max_count:
        return _ranges(first, count)
    return _ranges(first, np.minimum(count, max_count), np.maximum(count // max_count, 1))


def _between(first: Users, end: Users) -> Int64[np.ndarray, "targets"]:
    return _ranges(first, np.maximum(end - first, 0))


def _ranges(first: Users, count: Users, step: Users | int = 1) -> Int64[np.ndarray, "targets"]:
    """Return first, first + step, …, for each user ``count`` of them."""
    position = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    return np.repeat(first, count) + position * np.repeat(np.broadcast_to(step, count.shape), count)

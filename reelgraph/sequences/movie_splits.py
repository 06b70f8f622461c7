"""Split rules that hold out movies with all of their ratings, as if nobody had rated them.

cold_movies: random movies. new_movies: the movies that were first rated after a time. Text and graph of a
held-out movie stay known; no model is fitted on a rating of it. See Schein et al. 2002, "Methods and metrics
for cold-start recommendations".
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Int32, Int64, UInt8

from reelgraph.runtime.errors import InputError
from reelgraph.sequences.splits import Bounds, Split, check_targets, count_per_user, training_targets

REMEDY = "Change sequences.val_fraction or test_fraction, or lower sequences.min_history."

MOVIE_SPLITS = ("cold_movies", "new_movies")
"""Values of ``sequences.split`` that hold out movies."""

TRAINING = 0
VALIDATION = 1
TEST = 2


class HeldOutMovies(NamedTuple):
    """Rows of the movies that are held out, ascending."""

    val: Int64[np.ndarray, "val_movies"]
    test: Int64[np.ndarray, "test_movies"]

    def parts(self, movie_row: Int32[np.ndarray, "ratings"]) -> UInt8[np.ndarray, "ratings"]:
        """Return the part of each rating's movie: ``TRAINING``, ``VALIDATION`` or ``TEST``."""
        part = np.full(int(movie_row.max()) + 1, TRAINING, np.uint8)
        part[self.val] = VALIDATION
        part[self.test] = TEST
        return part[movie_row]


def draw_movies(
    movie_row: Int32[np.ndarray, "ratings"], val_fraction: float, test_fraction: float, seed: int
) -> HeldOutMovies:
    """Draw the fractions of the rated movies at random.

    Raises:
        InputError: a fraction of the movies is less than one movie, or no movie is left.
    """
    order = np.random.default_rng(seed).permutation(np.unique(movie_row)).astype(np.int64)
    first_test, first_val = _positions(len(order), val_fraction, test_fraction)
    return HeldOutMovies(np.sort(order[first_val:first_test]), np.sort(order[first_test:]))


def cold_movies(
    offsets: Bounds, min_history: int, train_targets: int, part: UInt8[np.ndarray, "ratings"],
    movies: HeldOutMovies,
) -> Split:  # fmt: skip
    """Hold out movies: each user's validation rows follow the training rows, and the test rows follow both.

    Every rating of a held-out movie is a target. Its history is all training rows of its user, later ones
    too, so that what is fitted and what a history holds are the same ratings. A training row is a target if
    ``min_history`` training rows precede it, at most ``train_targets`` per user (see ``leave_last_out``).

    Args:
        offsets: bounds of the users' ratings.
        min_history: ratings before the first training target.
        train_targets: maximum number of training targets per user; 0: all.
        part: of each rating, ascending within a user.
        movies: the movies that are held out.

    Raises:
        InputError: one of the three parts has no target.
    """
    start = offsets[:-1]
    train_end = start + count_per_user(part == TRAINING, offsets)
    split = Split(
        train_end=train_end,
        val_end=start + count_per_user(part < TEST, offsets),
        history_cap=np.array(train_end),
        train=training_targets(start + min_history, train_end, train_targets),
        val=np.flatnonzero(part == VALIDATION),
        test=np.flatnonzero(part == TEST),
        val_movies=movies.val,
        test_movies=movies.test,
    )
    check_targets(split, "training, validation and test targets with cold_movies", REMEDY)
    return split


def new_movies(
    offsets: Bounds,
    min_history: int,
    train_targets: int,
    timestamp: Int64[np.ndarray, "ratings"],
    movie_row: Int32[np.ndarray, "ratings"],
    val_fraction: float,
    test_fraction: float,
) -> Split:
    """Hold out the movies that were rated first after a time, and with them all later ratings.

    Two cutoffs split all users' ratings by time as in ``global_time``. They are the times of first ratings
    after which the fractions of the movies were first rated. Test targets are all ratings of the movies first
    rated after the second cutoff; validation targets those of movies first rated between the two, up to the
    second. Movies that were first rated in the same second are on the same side. A history is all earlier
    ratings of the user, also those of other held-out movies.

    Raises:
        InputError: one of the three parts has no target.
    """
    start = offsets[:-1]
    first_rated = np.full(int(movie_row.max()) + 1, np.iinfo(np.int64).max)
    np.minimum.at(first_rated, movie_row, timestamp)
    rated = np.unique(movie_row)
    times = np.sort(first_rated[rated])
    first_test, first_val = _positions(len(times), val_fraction, test_fraction)
    val_cutoff = times[first_val]
    test_cutoff = times[first_test]
    is_val = (first_rated[movie_row] >= val_cutoff) & (timestamp < test_cutoff)
    train_end = start + count_per_user(timestamp < val_cutoff, offsets)
    first_time = first_rated[rated]
    split = Split(
        train_end=train_end,
        val_end=start + count_per_user(timestamp < test_cutoff, offsets),
        history_cap=np.array(offsets[1:]),
        train=training_targets(start + min_history, train_end, train_targets),
        val=np.flatnonzero(is_val),
        test=np.flatnonzero(first_rated[movie_row] >= test_cutoff),
        val_movies=rated[(first_time >= val_cutoff) & (first_time < test_cutoff)].astype(np.int64),
        test_movies=rated[first_time >= test_cutoff].astype(np.int64),
    )
    check_targets(split, "training, validation and test targets with new_movies", REMEDY)
    return split


def _positions(count: int, val_fraction: float, test_fraction: float) -> tuple[int, int]:
    """Return where the test movies and the validation movies begin in an order of ``count`` movies."""
    first_test = count - max(1, round(test_fraction * count))
    first_val = first_test - max(1, round(val_fraction * count))
    if first_val < 1:
        raise InputError("data/ratings.parquet", "a movie in each of the three parts", f"{count:,} movies",
                         REMEDY)  # fmt: skip
    return first_test, first_val

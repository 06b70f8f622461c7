"""A new user's ratings, converted to the histories that raters take as input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64

from reelgraph.core.rating_scale import MAX_STARS, MIN_STARS, STAR_STEP
from reelgraph.runtime.errors import InputError
from reelgraph.sequences.dataset import UserHistories

UNKNOWN_TIME = -1
"""Stands for the time of an undated rating; it is before all others."""
UNDATED_INTERVAL_S = 60
"""Seconds between consecutive ratings without timestamps."""
MAX_TIME = 10**12
"""Latest Unix time of a rating, seconds."""


@dataclass(frozen=True)
class UserRating:
    """One rating of the user."""

    row: int
    """Row of the movie in the bundle."""
    stars: float
    """0.5 … 5 in half stars."""
    time: int | None = None
    """Unix time in seconds; None if unknown."""


def build_histories(ratings: Sequence[UserRating], targets: Sequence[int]) -> UserHistories:
    """Build one history per target: the user's ratings, followed by the target.

    A target has the timestamp of the last rating. ``histories.test`` has the indices of the targets; there
    are no training rows.

    Args:
        ratings: the user's ratings, in any order.
        targets: rows of movies.

    Raises:
        InputError: stars are not half stars, or a movie is rated twice.
    """
    _validate_ratings(ratings)
    times = fill_timestamps(ratings)
    order = order_ratings(ratings)
    rows = np.array([rating.row for rating in ratings])
    codes = np.array([round(rating.stars / STAR_STEP) for rating in ratings])
    n_targets = len(targets)
    offsets = np.arange(n_targets + 1) * (len(ratings) + 1)
    movie_row = np.concatenate([np.zeros(0), *(np.append(rows[order], target) for target in targets)])
    no_rows = np.zeros(0, np.int64)
    return UserHistories(
        user_id=np.arange(n_targets),
        offsets=offsets,
        movie_row=movie_row.astype(np.int32),
        half_star_code=np.tile(np.append(codes[order], 1).astype(np.uint8), n_targets),
        timestamp=np.tile(np.append(times[order], times.max(initial=0)), n_targets),
        train_end=offsets[:-1],
        val_end=offsets[:-1],
        history_cap=offsets[1:],
        train=no_rows,
        val=no_rows,
        test=offsets[1:] - 1,
    )


def order_ratings(ratings: Sequence[UserRating]) -> Int64[np.ndarray, " ratings"]:
    """Return the order by time: undated ratings first, equal times by movie row."""
    rows = np.array([rating.row for rating in ratings], np.int64)
    return np.lexsort((rows, rating_times(ratings)))


def rating_times(ratings: Sequence[UserRating]) -> Int64[np.ndarray, " ratings"]:
    """Return the Unix times in seconds, ``UNKNOWN_TIME`` of undated ratings."""
    return np.array([UNKNOWN_TIME if rating.time is None else rating.time for rating in ratings], np.int64)


def fill_timestamps(ratings: Sequence[UserRating]) -> Int64[np.ndarray, " ratings"]:
    """Return the timestamps; undated ratings are a minute apart by movie row, before the first dated one."""
    order = order_ratings(ratings)
    n_undated = sum(rating.time is None for rating in ratings)
    first = ratings[order[n_undated]].time if n_undated < len(ratings) else None
    start = 0 if first is None else first - n_undated * UNDATED_INTERVAL_S
    times = np.array([rating.time or 0 for rating in ratings], np.int64)
    times[order[:n_undated]] = start + np.arange(n_undated) * UNDATED_INTERVAL_S
    return times


def _validate_ratings(ratings: Sequence[UserRating]) -> None:
    rows: set[int] = set()
    for number, rating in enumerate(ratings, 1):
        where = f"rating {number}"
        if not (MIN_STARS <= rating.stars <= MAX_STARS and (rating.stars / STAR_STEP).is_integer()):
            remedy = "Divide ratings from 1 to 10 by 2."
            raise InputError(where, "half stars from 0.5 to 5", str(rating.stars), remedy)
        if rating.time is not None and not 0 <= rating.time <= MAX_TIME:
            raise InputError(where, "a Unix time in seconds", str(rating.time), "Leave unknown times out.")
        if rating.row in rows:
            raise InputError(where, "one rating per movie", "a movie rated twice", "Remove one of them.")
        rows.add(rating.row)

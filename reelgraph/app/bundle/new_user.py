"""A new person's ratings as the histories that raters read: one user for each question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64

from reelgraph.core.rating_scale import MAX_STARS, MIN_STARS, STAR_STEP
from reelgraph.runtime.errors import InputError
from reelgraph.sequences.dataset import UserHistories

RATING_INTERVAL_S = 60
"""Seconds between ratings whose time isn't known, which count as given one after the other."""


@dataclass(frozen=True)
class UserRating:
    """A movie that the person rated."""

    row: int
    """Row of the movie."""
    stars: float
    """0.5 … 5 in half stars."""
    time: int | None = None
    """Unix seconds."""


def build_histories(ratings: Sequence[UserRating], targets: Sequence[int]) -> UserHistories:
    """Lay out the person's ratings as many times as there are targets, each with its target as the last.

    A target comes when the last rating came. ``histories.test`` are the targets; nothing is fitted on.

    Args:
        rated: what the person rated, in the order given where times are missing or equal.
        targets: rows of movies.

    Raises:
        InputError: stars are no half stars, or a movie is rated twice.
    """
    _check(ratings)
    times = _times(ratings)
    order = np.argsort(times, kind="stable")
    row, code = (
        np.array([each.row for each in ratings]),
        np.array([round(each.stars / STAR_STEP) for each in ratings]),
    )
    size, count = len(ratings) + 1, len(targets)
    last = times.max(initial=0)
    movie = np.concatenate([np.zeros(0), *(np.append(row[order], target) for target in targets)])
    offsets = np.arange(count + 1) * size
    none = np.zeros(0, np.int64)
    return UserHistories(
        user_id=np.arange(count),
        offsets=offsets,
        movie_row=movie.astype(np.int32),
        half_star_code=np.tile(np.append(code[order], 1).astype(np.uint8), count),
        timestamp=np.tile(np.append(times[order], last), count),
        train_end=offsets[:-1],
        val_end=offsets[:-1],
        history_cap=offsets[1:],
        train=none,
        val=none,
        test=offsets[1:] - 1,
    )


def _times(rated: Sequence[UserRating]) -> Int64[np.ndarray, " ratings"]:
    """Return the times; where one is missing, all count as given in order, a minute apart."""
    if any(each.time is None for each in rated):
        return np.arange(len(rated), dtype=np.int64) * RATING_INTERVAL_S
    return np.array([each.time for each in rated], np.int64)


def _check(rated: Sequence[UserRating]) -> None:
    seen: set[int] = set()
    for number, each in enumerate(rated, 1):
        if not (MIN_STARS <= each.stars <= MAX_STARS and (each.stars / STAR_STEP).is_integer()):
            raise InputError(f"rating {number}", "half stars from 0.5 to 5", str(each.stars),
                             "Halve a scale of 1 to 10.")  # fmt: skip
        if each.row in seen:
            raise InputError(f"rating {number}", "a movie once", "the same movie again", "Keep one of them.")
        seen.add(each.row)

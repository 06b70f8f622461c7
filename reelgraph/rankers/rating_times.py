"""How often each movie was rated before a time, and since when."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int32, Int64
from pydantic import Field

from reelgraph.params.base import Section
from reelgraph.rankers.ranker import FittedRatings, RankingQuery

SECONDS_PER_DAY = 86_400
SECONDS_PER_YEAR = 365.25 * SECONDS_PER_DAY
BLOCK_SIZE = 1 << 17
"""Ratings between two times for which the counts are stored."""


class RecentPeriod(Section):
    """The period of recent ratings."""

    days: float = Field(gt=0)
    """Length of the period before the query, in days, above 0."""


@dataclass(frozen=True)
class RatingTimes:
    """All fitted ratings in the order of time."""

    movie: Int32[np.ndarray, " ratings"]
    """Rows of the movies."""
    time: Int64[np.ndarray, " ratings"]
    """Ascending Unix seconds."""
    n_movies: int

    @property
    def last(self) -> int:
        """Time of the last rating."""
        return int(self.time[-1]) if len(self.time) else 0

    def time_of(self, query: RankingQuery) -> int:
        """Return the time of a query, or that after the last rating."""
        return self.last + 1 if query.time is None else query.time

    def count_before(self, time: float | int) -> Float[np.ndarray, " movies"]:
        """Return the number of ratings of each movie before a time."""
        if not len(self.time):
            return np.zeros(self.n_movies)
        within = min(max(time, int(self.time[0])), self.last + 1)
        # NumPy would convert all times to floats. A time is before an end if it is before its ceiling.
        n_earlier = int(np.searchsorted(self.time, math.ceil(within)))
        block = n_earlier // BLOCK_SIZE
        rest = self.movie[block * BLOCK_SIZE : n_earlier]
        return self._count_before_block[block] + np.bincount(rest, minlength=self.n_movies).astype(np.float64)

    def count_all(self) -> Float[np.ndarray, " movies"]:
        """Return the number of all ratings of each movie."""
        return self.count_before(self.last + 1)

    @cached_property
    def _count_before_block(self) -> Int32[np.ndarray, "blocks movies"]:
        """Number of ratings of each movie before each block of ratings."""
        starts = range(0, len(self.movie) - BLOCK_SIZE + 1, BLOCK_SIZE)
        counts = np.zeros((len(starts) + 1, self.n_movies), np.int32)
        for number, start in enumerate(starts):
            block = np.bincount(self.movie[start : start + BLOCK_SIZE], minlength=self.n_movies)
            counts[number + 1] = counts[number] + block
        return counts

    def first_times(self) -> Float[np.ndarray, " movies"]:
        """Return the time of each movie's first rating; ∞ without ratings."""
        first = np.full(self.n_movies, np.inf)
        first[self.movie[::-1]] = self.time[::-1]
        return first

    def arrays(self) -> dict[str, np.ndarray]:
        """Return what ``restore_times`` builds it from."""
        return {"movie": self.movie, "time": self.time, "n_movies": np.array(self.n_movies)}


def collect_times(ratings: FittedRatings) -> RatingTimes:
    """Sort the ratings by time."""
    order = np.argsort(ratings.timestamp, kind="stable")
    return RatingTimes(ratings.movie_row[order].astype(np.int32), ratings.timestamp[order], ratings.n_movies)


def restore_times(arrays: Mapping[str, np.ndarray]) -> RatingTimes:
    """Build it from its ``arrays``."""
    return RatingTimes(arrays["movie"], arrays["time"], int(arrays["n_movies"]))

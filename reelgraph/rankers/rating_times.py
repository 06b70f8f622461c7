"""How often each movie was rated before a time, and since when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int32, Int64
from pydantic import Field

from reelgraph.params.base import Section
from reelgraph.rankers.ranker import FittedRatings, RankingQuery

SECONDS_PER_DAY = 86_400
SECONDS_PER_YEAR = 365.25 * SECONDS_PER_DAY


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

    def count_between(self, start: float | int, end: float | int) -> Float[np.ndarray, " movies"]:
        """Return the number of ratings of each movie from ``start`` to before ``end``."""
        first, last = np.searchsorted(self.time, (start, end))
        return np.bincount(self.movie[first:last], minlength=self.n_movies).astype(np.float64)

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

"""The rows that the Gaussian process works on, and sums over what came before each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float64, Int64

from reelgraph.core.rating_scale import from_codes
from reelgraph.sequences.arrays import Histories

Sums = Float64[np.ndarray, " targets"]


@dataclass(frozen=True)
class Ratings:
    """Ratings of user u are at offsets[u] : offsets[u + 1], by time up to limit[u].

    What lies beyond has all that lies before the limit as its history, later ratings included.
    """

    offsets: Int64[np.ndarray, " bounds"]
    movie: Int64[np.ndarray, " ratings"]
    stars: Float64[np.ndarray, " ratings"]
    time: Int64[np.ndarray, " ratings"]
    known: Bool[np.ndarray, " ratings"]
    """True for a row that the model is, or was, fitted on."""
    limit: Int64[np.ndarray, " users"]
    """No history reaches beyond it."""
    rank: Float64[np.ndarray, " ratings"]
    """Place by time in the history; see ``Histories.rank``."""
    person: Int64[np.ndarray, " users"]
    """Id of each user."""

    @cached_property
    def user(self) -> Int64[np.ndarray, " ratings"]:
        """User of each rating."""
        return np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))

    # What follows is asked for targets only: a column of all ratings takes 100 MB at full size.

    def end(self, index: Int64[np.ndarray, " targets"]) -> Int64[np.ndarray, " targets"]:
        """Where the history of each target ends."""
        return np.minimum(index, self.limit[self.user[index]])

    def place(self, index: Int64[np.ndarray, " targets"]) -> Int64[np.ndarray, " targets"]:
        """How many ratings each one's history has."""
        return self.end(index) - self._start(index)

    def next(self, index: Int64[np.ndarray, " targets"]) -> Int64[np.ndarray, " targets"]:
        """Index of the rating of the history that follows each one by rank, or the history's end."""
        return self._start(index) + np.ceil(self.rank[index]).astype(np.int64)

    def gap(self, index: Int64[np.ndarray, " targets"]) -> Int64[np.ndarray, " targets"]:
        """Seconds since the rating of the history before each one by rank; 0 where there is none."""
        following = self.next(index)
        return np.where(following == self._start(index), 0, self.time[index] - self.time[following - 1])

    def nearest(
        self, index: Int64[np.ndarray, " targets"], most: int
    ) -> tuple[Int64[np.ndarray, " targets"], Int64[np.ndarray, " targets"]]:
        """Bounds of the ``most`` ratings of each one's history around it by rank; by time, the last ones."""
        start, end = self._start(index), self.end(index)
        count = np.minimum(end - start, most)
        low = np.clip(self.next(index) - (count + 1) // 2, start, end - count)
        return low, low + count

    def before(self, x: Float64[np.ndarray, " ratings"], index: Int64[np.ndarray, " targets"]) -> Sums:
        """Sum of x over each target's history."""
        total = np.concatenate([[0.0], np.cumsum(x)])
        return total[self.end(index)] - total[self._start(index)]

    def recent(
        self, x: Float64[np.ndarray, " ratings"], count: int, index: Int64[np.ndarray, " targets"]
    ) -> Sums:
        """Mean of x over the last ``count`` ratings of the history before each one by rank; 0 for none."""
        total, following = np.concatenate([[0.0], np.cumsum(x)]), self.next(index)
        taken = np.minimum(following - self._start(index), count)
        return (total[following] - total[following - taken]) / np.maximum(taken, 1)

    def _start(self, index: Int64[np.ndarray, " targets"]) -> Int64[np.ndarray, " targets"]:
        return self.offsets[self.user[index]]


def all_rows(histories: Histories, fit_end: Int64[np.ndarray, " users"]) -> Ratings:
    """Take all ratings; those before ``fit_end`` of each user are known."""
    known = histories.before(fit_end)
    return _of(histories, histories.offsets, histories.limit, np.ones(len(known), bool), known)


def fitted_rows(histories: Histories, fit_end: Int64[np.ndarray, " users"]) -> Ratings:
    """Take each user's ratings before ``fit_end``."""
    taken = histories.before(fit_end)
    offsets = np.concatenate([[0], np.cumsum(fit_end - histories.offsets[:-1])])
    return _of(histories, offsets, offsets[1:], taken, taken)


def _of(
    histories: Histories,
    offsets: Int64[np.ndarray, " bounds"],
    limit: Int64[np.ndarray, " users"],
    taken: Bool[np.ndarray, " all"],
    known: Bool[np.ndarray, " all"],
) -> Ratings:
    return Ratings(
        offsets=np.asarray(offsets),
        movie=histories.movie_row[taken].astype(np.int64),
        stars=from_codes(histories.code[taken].astype(np.float64)),
        time=np.asarray(histories.timestamp[taken]),
        known=known[taken],
        limit=np.asarray(limit),
        rank=histories.rank(np.flatnonzero(taken)),
        person=np.asarray(histories.user_id),
    )

"""The rows that the Gaussian process works on, and sums over what came before each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float64, Int64

from reelgraph.core.rating_scale import codes_to_stars
from reelgraph.sequences.dataset import UserHistories

Sums = Float64[np.ndarray, " targets"]


@dataclass(frozen=True)
class RatingTable:
    """Ratings of user u are at offsets[u] : offsets[u + 1], by time up to limit[u].

    What lies beyond has all that lies before the limit as its history, later ratings included.
    """

    offsets: Int64[np.ndarray, " bounds"]
    movie: Int64[np.ndarray, " ratings"]
    stars: Float64[np.ndarray, " ratings"]
    time: Int64[np.ndarray, " ratings"]
    is_fitted: Bool[np.ndarray, " ratings"]
    """True for a row that the model is, or was, fitted on."""
    limit: Int64[np.ndarray, " users"]
    """No history reaches beyond it."""
    rank: Float64[np.ndarray, " ratings"]
    """Place by time in the history; see ``UserHistories.time_rank``."""
    user_id: Int64[np.ndarray, " users"]
    """Id of each user."""

    @cached_property
    def user(self) -> Int64[np.ndarray, " ratings"]:
        """User of each rating."""
        return np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))

    # What follows is asked for targets only: a column of all ratings takes 100 MB at full size.

    def end(self, index: Int64[np.ndarray, " targets"]) -> Int64[np.ndarray, " targets"]:
        """Where the history of each target ends."""
        return np.minimum(index, self.limit[self.user[index]])

    def history_length(self, index: Int64[np.ndarray, " targets"]) -> Int64[np.ndarray, " targets"]:
        """How many ratings each one's history has."""
        return self.end(index) - self._start(index)

    def next(self, index: Int64[np.ndarray, " targets"]) -> Int64[np.ndarray, " targets"]:
        """Index of the rating of the history that follows each one by rank, or the history's end."""
        return self._start(index) + np.ceil(self.rank[index]).astype(np.int64)

    def seconds_since_previous(self, index: Int64[np.ndarray, " targets"]) -> Int64[np.ndarray, " targets"]:
        """Seconds since the rating of the history before each one by rank; 0 where there is none."""
        following = self.next(index)
        return np.where(following == self._start(index), 0, self.time[index] - self.time[following - 1])

    def nearest_history(
        self, index: Int64[np.ndarray, " targets"], most: int
    ) -> tuple[Int64[np.ndarray, " targets"], Int64[np.ndarray, " targets"]]:
        """Bounds of the ``most`` ratings of each one's history around it by rank; by time, the last ones."""
        start, end = self._start(index), self.end(index)
        count = np.minimum(end - start, most)
        low = np.clip(self.next(index) - (count + 1) // 2, start, end - count)
        return low, low + count

    def history_sum(self, x: Float64[np.ndarray, " ratings"], index: Int64[np.ndarray, " targets"]) -> Sums:
        """Sum of x over each target's history."""
        total = np.concatenate([[0.0], np.cumsum(x)])
        return total[self.end(index)] - total[self._start(index)]

    def recent_mean(
        self, x: Float64[np.ndarray, " ratings"], count: int, index: Int64[np.ndarray, " targets"]
    ) -> Sums:
        """Mean of x over the last ``count`` ratings of the history before each one by rank; 0 for none."""
        total, following = np.concatenate([[0.0], np.cumsum(x)]), self.next(index)
        taken = np.minimum(following - self._start(index), count)
        return (total[following] - total[following - taken]) / np.maximum(taken, 1)

    def _start(self, index: Int64[np.ndarray, " targets"]) -> Int64[np.ndarray, " targets"]:
        return self.offsets[self.user[index]]


def all_ratings(histories: UserHistories, fit_end: Int64[np.ndarray, " users"]) -> RatingTable:
    """Take all ratings; those before ``fit_end`` of each user are known."""
    known = histories.mask_before(fit_end)
    return _of(histories, histories.offsets, histories.history_cap, np.ones(len(known), bool), known)


def fitted_ratings(histories: UserHistories, fit_end: Int64[np.ndarray, " users"]) -> RatingTable:
    """Take each user's ratings before ``fit_end``."""
    taken = histories.mask_before(fit_end)
    offsets = np.concatenate([[0], np.cumsum(fit_end - histories.offsets[:-1])])
    return _of(histories, offsets, offsets[1:], taken, taken)


def _of(
    histories: UserHistories,
    offsets: Int64[np.ndarray, " bounds"],
    limit: Int64[np.ndarray, " users"],
    taken: Bool[np.ndarray, " all"],
    known: Bool[np.ndarray, " all"],
) -> RatingTable:
    return RatingTable(
        offsets=np.asarray(offsets),
        movie=histories.movie_row[taken].astype(np.int64),
        stars=codes_to_stars(histories.half_star_code[taken].astype(np.float64)),
        time=np.asarray(histories.timestamp[taken]),
        is_fitted=known[taken],
        limit=np.asarray(limit),
        rank=histories.time_rank(np.flatnonzero(taken)),
        user_id=np.asarray(histories.user_id),
    )


Rows = Int64[np.ndarray, "windows size"]
TargetMask = Bool[np.ndarray, "windows size"]


def tile_windows(offsets: Int64[np.ndarray, " bounds"], size: int, stride: int) -> tuple[Rows, TargetMask]:
    """Cover every user's ratings with windows, a new one each ``stride`` ratings.

    Returns:
        Indices of the ratings, and for each rating the one window that it is predicted
        in: that with the most history. Shorter windows come first.
    """
    length = np.diff(offsets)
    count = np.where(length > 0, np.maximum(1, -(-(length - size) // stride) + 1), 0)
    user = np.repeat(np.arange(len(length)), count)
    low = (np.arange(len(user)) - np.repeat(np.cumsum(count) - count, count)) * stride
    place = low[:, None] + np.arange(size)
    rows = np.where(place < length[user, None], offsets[user, None] + place, -1)
    own = (rows >= 0) & ((np.arange(size) >= size - stride) | (low[:, None] == 0))
    return _by_length(rows, own)


def windows_ending_at(
    index: Int64[np.ndarray, " targets"],
    low: Int64[np.ndarray, " targets"],
    high: Int64[np.ndarray, " targets"],
) -> tuple[Rows, TargetMask]:
    """Give each target the ratings at low : high as its window, and then itself.

    Targets whose windows start at the same rating and go on to themselves share the longest one: a rating is
    predicted from those before it, whatever follows.
    """
    place, alone = high - low, -1 - np.arange(len(index))
    _, longest, window = np.unique(
        np.where(high == index, low, alone)[order := np.argsort(-place, kind="stable")],
        return_index=True, return_inverse=True,
    )  # fmt: skip
    longest = order[longest]
    along = np.arange(np.max(place, initial=0) + 1)
    rows = np.where(along < place[longest, None], low[longest, None] + along, -1)
    rows = np.where(along == place[longest, None], index[longest, None], rows)
    own = np.zeros(rows.shape, bool)
    own[window, place[order]] = True
    return _by_length(rows, own)


def _by_length(rows: Rows, own: TargetMask) -> tuple[Rows, TargetMask]:
    order = np.argsort((rows >= 0).sum(axis=1), kind="stable")
    return rows[order], own[order]

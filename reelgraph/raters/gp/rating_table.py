"""Ratings as the Gaussian process reads them, statistics of each rating's history, and windows of ratings."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float64, Int64

from reelgraph.sequences.dataset import UserHistories, star_ratings

Index = Int64[np.ndarray, " targets"]
PerTarget = Float64[np.ndarray, " targets"]
PerRating = Float64[np.ndarray, " ratings"]
Windows = Int64[np.ndarray, "windows size"]
"""Indices of ratings, one window per row; -1 is padding at the end."""
TargetMask = Bool[np.ndarray, "windows size"]
"""True for the ratings of the windows that are to be predicted."""


@dataclass(frozen=True)
class RatingTable:
    """Columns of ratings; those of user u are at offsets[u] : offsets[u + 1], by time up to history_cap[u].

    The history of a rating at or after the cap is all of the user's ratings before the cap, also later ones.
    """

    offsets: Int64[np.ndarray, " bounds"]
    movie: Int64[np.ndarray, " ratings"]
    stars: Float64[np.ndarray, " ratings"]
    time: Int64[np.ndarray, " ratings"]
    """Unix seconds."""
    is_fitted: Bool[np.ndarray, " ratings"]
    """True for ratings that the model is, or was, fitted on."""
    history_cap: Int64[np.ndarray, " users"]
    """No history reaches beyond it."""
    rank: Float64[np.ndarray, " ratings"]
    """Position by time in the user's history; see ``UserHistories.time_rank``."""
    user_id: Int64[np.ndarray, " users"]

    @cached_property
    def user(self) -> Int64[np.ndarray, " ratings"]:
        """User of each rating."""
        return np.repeat(np.arange(self.n_users), np.diff(self.offsets))

    @property
    def n_users(self) -> int:
        """Number of users."""
        return len(self.offsets) - 1

    # The statistics below are computed for targets only: one column of all ratings takes 100 MB at full size.

    def history_end(self, index: Index) -> Index:
        """Return where the history of each target ends."""
        return np.minimum(index, self.history_cap[self.user[index]])

    def history_length(self, index: Index) -> Index:
        """Return the number of ratings in each target's history."""
        return self.history_end(index) - self._start(index)

    def chronological_history_end(self, index: Index) -> Index:
        """Return where the part of each target's history ends that precedes it by rank."""
        return self._start(index) + np.ceil(self.rank[index]).astype(np.int64)

    def seconds_since_previous(self, index: Index) -> Index:
        """Return the seconds since the rating that precedes each target by rank; 0 without one."""
        end = self.chronological_history_end(index)
        return np.where(end == self._start(index), 0, self.time[index] - self.time[end - 1])

    def nearest_history(self, index: Index, size: int) -> tuple[Index, Index]:
        """Return the bounds of the at most ``size`` ratings of each history nearest to its target by rank.

        These are the last ones where the history precedes the target.
        """
        start = self._start(index)
        end = self.history_end(index)
        count = np.minimum(end - start, size)
        low = np.clip(self.chronological_history_end(index) - (count + 1) // 2, start, end - count)
        return low, low + count

    def history_sum(self, values: Float64[np.ndarray, " ratings"], index: Index) -> PerTarget:
        """Return the sum of the values over each target's history."""
        cumulative = np.concatenate([[0.0], np.cumsum(values)])
        return cumulative[self.history_end(index)] - cumulative[self._start(index)]

    def recent_mean(self, values: Float64[np.ndarray, " ratings"], count: int, index: Index) -> PerTarget:
        """Return the mean of the values over the last ``count`` ratings that precede each target by rank.

        It is 0 without any.
        """
        cumulative = np.concatenate([[0.0], np.cumsum(values)])
        end = self.chronological_history_end(index)
        available = np.minimum(end - self._start(index), count)
        return (cumulative[end] - cumulative[end - available]) / np.maximum(available, 1)

    def _start(self, index: Index) -> Index:
        return self.offsets[self.user[index]]


def all_ratings(histories: UserHistories, fit_end: Int64[np.ndarray, " users"]) -> RatingTable:
    """Return all ratings; the model was fitted on those before ``fit_end`` of each user."""
    index = np.arange(len(histories.half_star_code))
    is_fitted = histories.mask_before(fit_end)
    rank = histories.time_rank(index)
    return _table(histories, index, histories.offsets, histories.history_cap, rank, is_fitted)


def fitted_ratings(histories: UserHistories, fit_end: Int64[np.ndarray, " users"]) -> RatingTable:
    """Return the ratings before ``fit_end`` of each user, which the model is fitted on."""
    index = histories.fitted_index(fit_end)
    length = fit_end - histories.offsets[:-1]
    offsets = np.concatenate([[0], np.cumsum(length)])
    rank = (np.arange(len(index)) - np.repeat(offsets[:-1], length)).astype(np.float64)
    return _table(histories, index, offsets, offsets[1:], rank, np.ones(len(index), bool))


def _table(
    histories: UserHistories,
    index: Int64[np.ndarray, " ratings"],
    offsets: Int64[np.ndarray, " bounds"],
    history_cap: Int64[np.ndarray, " users"],
    rank: PerRating,
    is_fitted: Bool[np.ndarray, " ratings"],
) -> RatingTable:
    return RatingTable(
        offsets=np.asarray(offsets),
        movie=histories.movie_row[index].astype(np.int64),
        stars=star_ratings(histories, index),
        time=np.asarray(histories.timestamp[index]),
        is_fitted=is_fitted,
        history_cap=np.asarray(history_cap),
        rank=rank,
        user_id=np.asarray(histories.user_id),
    )


def tile_windows(offsets: Int64[np.ndarray, " bounds"], size: int, stride: int) -> tuple[Windows, TargetMask]:
    """Cover every user's ratings with windows that start ``stride`` ratings apart.

    Returns:
        The windows, shorter ones first, and a mask that marks each rating once: in the window where most of
        its history precedes it.
    """
    length = np.diff(offsets)
    count = np.where(length > 0, np.maximum(1, -(-(length - size) // stride) + 1), 0)
    user = np.repeat(np.arange(len(length)), count)
    start = (np.arange(len(user)) - np.repeat(np.cumsum(count) - count, count)) * stride
    position = start[:, None] + np.arange(size)
    windows = np.where(position < length[user, None], offsets[user, None] + position, -1)
    is_target = (windows >= 0) & ((np.arange(size) >= size - stride) | (start[:, None] == 0))
    return _sort_by_length(windows, is_target)


def windows_ending_at(index: Index, low: Index, high: Index) -> tuple[Windows, TargetMask]:
    """Build for each target a window of the ratings at low : high and the target itself.

    Targets whose windows start at the same rating and are contiguous share the longest window: a rating is
    predicted from the ratings before it, whatever follows.

    Returns:
        The windows, shorter ones first, and the mask of the targets.
    """
    length = high - low
    # A window that is not contiguous with its target gets a key of its own.
    key = np.where(high == index, low, -1 - np.arange(len(index)))
    order = np.argsort(-length, kind="stable")
    _, first, window = np.unique(key[order], return_index=True, return_inverse=True)
    longest = order[first]
    column = np.arange(np.max(length, initial=0) + 1)
    windows = np.where(column < length[longest, None], low[longest, None] + column, -1)
    windows = np.where(column == length[longest, None], index[longest, None], windows)
    is_target = np.zeros(windows.shape, bool)
    is_target[window, length[order]] = True
    return _sort_by_length(windows, is_target)


def _sort_by_length(windows: Windows, is_target: TargetMask) -> tuple[Windows, TargetMask]:
    order = np.argsort((windows >= 0).sum(axis=1), kind="stable")
    return windows[order], is_target[order]

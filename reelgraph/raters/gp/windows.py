"""Stretches of a user's ratings that are looked at together: -1 fills rows up at the end."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Int64

Rows = Int64[np.ndarray, "windows size"]
Marks = Bool[np.ndarray, "windows size"]


def covering(offsets: Int64[np.ndarray, " bounds"], size: int, stride: int) -> tuple[Rows, Marks]:
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


def ending_at(
    index: Int64[np.ndarray, " targets"],
    low: Int64[np.ndarray, " targets"],
    high: Int64[np.ndarray, " targets"],
) -> tuple[Rows, Marks]:
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


def _by_length(rows: Rows, own: Marks) -> tuple[Rows, Marks]:
    order = np.argsort((rows >= 0).sum(axis=1), kind="stable")
    return rows[order], own[order]

"""The rows that the Gaussian process works on, and sums over what came before each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float64, Int64

from reelgraph.histories.arrays import Histories
from reelgraph.stars import from_codes


@dataclass(frozen=True)
class Ratings:
    """Ratings ordered by user and time; those of user u are at offsets[u] : offsets[u + 1]."""

    offsets: Int64[np.ndarray, " bounds"]
    movie: Int64[np.ndarray, " ratings"]
    stars: Float64[np.ndarray, " ratings"]
    time: Int64[np.ndarray, " ratings"]
    known: Bool[np.ndarray, " ratings"]
    """True for a row that the model is, or was, fitted on."""

    @cached_property
    def user(self) -> Int64[np.ndarray, " ratings"]:
        """User of each rating."""
        return np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))

    @cached_property
    def place(self) -> Int64[np.ndarray, " ratings"]:
        """How many ratings the user gave before each one."""
        return np.arange(len(self.movie)) - self.offsets[self.user]

    def before(self, x: Float64[np.ndarray, " ratings"]) -> Float64[np.ndarray, " ratings"]:
        """Sum of x over the user's earlier ratings."""
        total = np.concatenate([[0.0], np.cumsum(x)])
        return total[:-1] - total[self.offsets[self.user]]

    def recent(self, x: Float64[np.ndarray, " ratings"], count: int) -> Float64[np.ndarray, " ratings"]:
        """Mean of x over the user's last ``count`` earlier ratings; 0 where there is none."""
        total, now = np.concatenate([[0.0], np.cumsum(x)]), np.arange(len(x))
        taken = np.minimum(self.place, count)
        return (total[now] - total[now - taken]) / np.maximum(taken, 1)


def all_rows(histories: Histories, fit_end: Int64[np.ndarray, " users"]) -> Ratings:
    """Take all ratings; those before ``fit_end`` of each user are known."""
    known = histories.before(fit_end)
    return _of(histories, histories.offsets, np.ones(len(known), bool), known)


def fitted_rows(histories: Histories, fit_end: Int64[np.ndarray, " users"]) -> Ratings:
    """Take each user's ratings before ``fit_end``."""
    taken = histories.before(fit_end)
    offsets = np.concatenate([[0], np.cumsum(fit_end - histories.offsets[:-1])])
    return _of(histories, offsets, taken, taken)


def _of(
    histories: Histories,
    offsets: Int64[np.ndarray, " bounds"],
    taken: Bool[np.ndarray, " all"],
    known: Bool[np.ndarray, " all"],
) -> Ratings:
    return Ratings(
        offsets=np.asarray(offsets),
        movie=histories.movie_row[taken].astype(np.int64),
        stars=from_codes(histories.code[taken].astype(np.float64)),
        time=np.asarray(histories.timestamp[taken]),
        known=known[taken],
    )

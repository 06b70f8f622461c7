"""Ratings as rows of a factorisation machine: who, what, when, and what each side has to do with.

The features of "timeSVD++ flipped" (Rendle, Zhang, Koren 2019, "On the difficulty of evaluating baselines"):
the user and the movies that they rated, the movie and the users who rated it, and the day. Only what
occurs in the rows that are fitted on has a feature; a target's history is what the rater sees of it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Int64
from scipy.sparse import csr_matrix, diags, hstack, identity, vstack

from reelgraph.sequences.dataset import UserHistories

DAY = 86_400


class FeatureRows(NamedTuple):
    """Row i has the features ``days[i]``, ``users[user[i]]`` and ``movies[movie[i]]``."""

    days: csr_matrix
    user: Int64[np.ndarray, " rows"]
    users: csr_matrix
    movie: Int64[np.ndarray, " rows"]
    movies: csr_matrix


class FeatureBuilder:
    """What occurs in the rows before ``fit_end``; turns ratings into rows."""

    def __init__(self, histories: UserHistories, fit_end: Int64[np.ndarray, " users"], history: bool) -> None:
        """Number movies and days; ``history``: what a user rated, and who rated a movie, are features."""
        self._histories, self._history = histories, history
        self.fitted = np.flatnonzero(histories.mask_before(fit_end))
        self._movie_rows = np.unique(histories.movie_row[self.fitted])
        self._days = np.unique(histories.timestamp[self.fitted] // DAY)
        self._fit_end = fit_end

    def group_sizes(self) -> list[int]:
        """Return the sizes of the groups of features, each with a variance of its own, in column order."""
        users, movies = len(self._fit_end), len(self._movie_rows)
        sides = [users, movies, movies, users] if self._history else [users, movies]
        return [len(self._days), *sides]

    def training_rows(self) -> FeatureRows:
        """Return the rows that are fitted on."""
        h, everybody = self._histories, np.arange(len(self._fit_end))
        users = self._users(everybody, h.offsets[:-1], self._fit_end)
        return FeatureRows(self._day(self.fitted), h.users_of(self.fitted), users, *self._movies(self.fitted))

    def target_rows(self, index: Int64[np.ndarray, " n"]) -> FeatureRows:
        """Return the rows of targets, each with its own history."""
        h, user = self._histories, self._histories.users_of(index)
        users = self._users(user, h.offsets[user], h.history_end(index))
        return FeatureRows(self._day(index), np.arange(len(index)), users, *self._movies(index))

    def _day(self, index: Int64[np.ndarray, " n"]) -> csr_matrix:
        return _one_hot(self._histories.timestamp[index] // DAY, self._days)

    def _users(
        self, user: Int64[np.ndarray, " n"], start: Int64[np.ndarray, " n"], end: Int64[np.ndarray, " n"]
    ) -> csr_matrix:
        """Return for each the user, and the movies between start and end."""
        own = _one_hot(user, np.arange(len(self._fit_end)))
        if not self._history:
            return own
        row = np.repeat(np.arange(len(user)), end - start)
        first = np.cumsum(end - start) - (end - start)
        places = np.arange(len(row)) + np.repeat(start - first, end - start)
        rated = _one_hot(self._histories.movie_row[places], self._movie_rows)
        gather = csr_matrix((np.ones(len(row)), (row, np.arange(len(row)))), (len(user), len(row)))
        return hstack([own, _unit(gather @ rated)]).tocsr()

    def _movies(self, index: Int64[np.ndarray, " n"]) -> tuple[np.ndarray, csr_matrix]:
        """Return the place of each one's movie in the matrix, whose last row is a movie without ratings."""
        h, known = self._histories, len(self._movie_rows)
        found = _place(h.movie_row[index], self._movie_rows)
        movies = identity(known, format="csr")
        if self._history:
            who = _one_hot(h.users_of(self.fitted), np.arange(len(self._fit_end)))
            of_movie = _one_hot(h.movie_row[self.fitted], self._movie_rows).T.tocsr()
            movies = hstack([movies, _unit(of_movie @ who)]).tocsr()
        return np.where(found < 0, known, found), vstack([movies, csr_matrix((1, movies.shape[1]))]).tocsr()


def _place(values: np.ndarray, known: np.ndarray) -> Int64[np.ndarray, " n"]:
    """Return the place of each value among the known, ascending ones; −1 for others."""
    place = np.minimum(np.searchsorted(known, values), len(known) - 1)
    return np.where(known[place] == values, place, -1)


def _one_hot(values: np.ndarray, known: np.ndarray) -> csr_matrix:
    """Return 1 in the column of each row's value; an unknown value has none."""
    place = _place(values, known)
    rows = np.flatnonzero(place >= 0)
    return csr_matrix((np.ones(len(rows)), (rows, place[rows])), (len(values), len(known)))


def _unit(counts: csr_matrix) -> csr_matrix:
    """Divide each row by the root of its sum: n movies weigh n^−½ each."""
    total = np.maximum(np.asarray(counts.sum(axis=1)).ravel(), 1)
    return (diags(total**-0.5) @ counts).tocsr()

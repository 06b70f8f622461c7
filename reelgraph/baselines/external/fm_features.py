"""Ratings as feature rows of a factorization machine.

The features of "timeSVD++ flipped" (Rendle, Zhang and Koren 2019, "On the difficulty of evaluating
baselines"): the user and the movies they rated, the movie and the users who rated it, and the day. Only
values that occur in the fitted rows have a feature. A target's history is the one that the rater sees. The
content of the movies can be added, which movies without ratings have too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Int64
from scipy.sparse import csr_matrix, diags, hstack, identity, vstack

from reelgraph.sequences.dataset import UserHistories

SECONDS_PER_DAY = 86_400


class FeatureRows(NamedTuple):
    """Feature rows; row i has the features ``days[i]``, ``users[user[i]]`` and ``movies[movie[i]]``."""

    days: csr_matrix
    user: Int64[np.ndarray, " rows"]
    users: csr_matrix
    movie: Int64[np.ndarray, " rows"]
    movies: csr_matrix


class FeatureBuilder:
    """Turns ratings into feature rows; knows the values that occur before ``fit_end``."""

    def __init__(
        self,
        histories: UserHistories,
        fit_end: Int64[np.ndarray, " users"],
        history: bool,
        content: Sequence[csr_matrix] = (),
    ) -> None:
        """Index the movies and days of the fitted rows.

        Args:
            histories: ratings of all users.
            fit_end: end of each user's fitted rows.
            history: add what a user rated, and who rated a movie.
            content: groups of features of all movies, movies × features; not with ``history``.
        """
        self._content = content
        self._histories = histories
        self._history = history
        self._fit_end = fit_end
        self.fitted = np.flatnonzero(histories.mask_before(fit_end))
        self._movie_rows = np.unique(histories.movie_row[self.fitted])
        self._days = np.unique(histories.timestamp[self.fitted] // SECONDS_PER_DAY)

    def group_sizes(self) -> list[int]:
        """Return the sizes of the feature groups in column order; each has its own prior variance."""
        n_users = len(self._fit_end)
        n_movies = len(self._movie_rows)
        sides = [n_users, n_movies, n_movies, n_users] if self._history else [n_users, n_movies]
        return [len(self._days), *sides, *(group.shape[1] for group in self._content)]

    def training_rows(self) -> FeatureRows:
        """Return the fitted rows."""
        histories = self._histories
        users = self._user_features(np.arange(len(self._fit_end)), histories.offsets[:-1], self._fit_end)
        days = self._day_features(self.fitted)
        return FeatureRows(days, histories.users_of(self.fitted), users, *self._movie_features(self.fitted))

    def target_rows(self, index: Int64[np.ndarray, " n"]) -> FeatureRows:
        """Return the rows of targets, each with its own history."""
        histories = self._histories
        user = histories.users_of(index)
        users = self._user_features(user, histories.offsets[user], histories.history_end(index))
        days = self._day_features(index)
        return FeatureRows(days, np.arange(len(index)), users, *self._movie_features(index))

    def _day_features(self, index: Int64[np.ndarray, " n"]) -> csr_matrix:
        return _one_hot(self._histories.timestamp[index] // SECONDS_PER_DAY, self._days)

    def _user_features(
        self, user: Int64[np.ndarray, " n"], start: Int64[np.ndarray, " n"], end: Int64[np.ndarray, " n"]
    ) -> csr_matrix:
        """Return the one-hot user and the movies rated between start and end."""
        one_hot_user = _one_hot(user, np.arange(len(self._fit_end)))
        if not self._history:
            return one_hot_user
        length = end - start
        row = np.repeat(np.arange(len(user)), length)
        first = np.cumsum(length) - length
        index = np.arange(len(row)) + np.repeat(start - first, length)
        rated = _one_hot(self._histories.movie_row[index], self._movie_rows)
        gather = csr_matrix((np.ones(len(row)), (row, np.arange(len(row)))), (len(user), len(row)))
        return hstack([one_hot_user, _normalize_rows(gather @ rated)]).tocsr()

    def _movie_features(self, index: Int64[np.ndarray, " n"]) -> tuple[np.ndarray, csr_matrix]:
        """Return each target's row in the movie matrix, whose last row is a movie without ratings."""
        histories = self._histories
        if self._content:
            one_hot_movie = _one_hot(np.arange(self._content[0].shape[0]), self._movie_rows)
            return histories.movie_row[index], hstack([one_hot_movie, *self._content]).tocsr()
        n_movies = len(self._movie_rows)
        position = _find_sorted(histories.movie_row[index], self._movie_rows)
        movies = identity(n_movies, format="csr")
        if self._history:
            rated_by = _one_hot(histories.users_of(self.fitted), np.arange(len(self._fit_end)))
            of_movie = _one_hot(histories.movie_row[self.fitted], self._movie_rows).T.tocsr()
            movies = hstack([movies, _normalize_rows(of_movie @ rated_by)]).tocsr()
        movies = vstack([movies, csr_matrix((1, movies.shape[1]))]).tocsr()
        return np.where(position < 0, n_movies, position), movies


def _find_sorted(values: np.ndarray, vocabulary: np.ndarray) -> Int64[np.ndarray, " n"]:
    """Return the index of each value in the ascending vocabulary; −1 for a value that is not in it."""
    position = np.minimum(np.searchsorted(vocabulary, values), len(vocabulary) - 1)
    return np.where(vocabulary[position] == values, position, -1)


def _one_hot(values: np.ndarray, vocabulary: np.ndarray) -> csr_matrix:
    """Return a row with a 1 for each value; the row of an unknown value is empty."""
    position = _find_sorted(values, vocabulary)
    rows = np.flatnonzero(position >= 0)
    return csr_matrix((np.ones(len(rows)), (rows, position[rows])), (len(values), len(vocabulary)))


def _normalize_rows(counts: csr_matrix) -> csr_matrix:
    """Divide each row by the root of its sum, so that n movies weigh n^−½ each."""
    total = np.maximum(np.asarray(counts.sum(axis=1)).ravel(), 1)
    return (diags(total**-0.5) @ counts).tocsr()

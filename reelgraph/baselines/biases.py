"""Damped effects of movies and people: mean + movie + person (Koren 2009, baseline predictors)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Int, Int64
from scipy.sparse import csr_matrix

from reelgraph.core.rating_scale import from_codes
from reelgraph.sequences.arrays import Histories

SWEEPS = 5


class Biases(NamedTuple):
    """Effects in stars; an effect of n ratings is damped by n / (n + damping)."""

    mean: float
    movie: Float64[np.ndarray, " movies"]
    """Effect of each movie row; 0 for a movie without rows."""
    user: Float64[np.ndarray, " users"]


def fit_biases(
    histories: Histories, fit_end: Int64[np.ndarray, " users"], movie_damping: float, user_damping: float
) -> Biases:
    """Fit both effects in turn, five times, on each user's rows before ``fit_end``."""
    taken, users = histories.before(fit_end), len(histories.user_id)
    user = histories.users_of(np.flatnonzero(taken))
    movie, movies = histories.movie_row[taken], int(histories.movie_row.max()) + 1
    stars = from_codes(histories.code[taken].astype(np.float64))
    mean = float(stars.mean())
    of_user = np.zeros(users)
    for _ in range(SWEEPS):
        of_movie = _damped(movie, stars - mean - of_user[user], movies, movie_damping)
        of_user = _damped(user, stars - mean - of_movie[movie], users, user_damping)
    return Biases(mean, of_movie, of_user)


def residuals(histories: Histories, fitted: Biases) -> Float64[np.ndarray, " ratings"]:
    """Return what mean and movie leave of each rating, in stars."""
    stars = from_codes(histories.code.astype(np.float64))
    return stars - fitted.mean - fitted.movie[histories.movie_row]


def person_effects(
    histories: Histories,
    residual: Float64[np.ndarray, " ratings"],
    index: Int64[np.ndarray, " n"],
    damping: float,
) -> Float64[np.ndarray, " n"]:
    """Return the damped mean of what is left of the ratings in each target's history, in stars."""
    start, end = histories.offsets[histories.users_of(index)], histories.history_end(index)
    sums = np.concatenate([[0.0], np.cumsum(residual)])
    return (sums[end] - sums[start]) / (end - start + damping)


def fit_rows(
    histories: Histories, fit_end: Int64[np.ndarray, " users"], values: Float64[np.ndarray, " ratings"]
) -> csr_matrix:
    """Return the values of the rows before ``fit_end`` as a matrix users × movies."""
    rows = np.flatnonzero(histories.before(fit_end))
    shape = (len(histories.user_id), int(histories.movie_row.max()) + 1)
    return csr_matrix((values[rows], (histories.users_of(rows), histories.movie_row[rows])), shape)


def _damped(
    group: Int[np.ndarray, " rows"], values: Float64[np.ndarray, " rows"], groups: int, damping: float
) -> Float64[np.ndarray, " groups"]:
    return np.bincount(group, values, groups) / (np.bincount(group, minlength=groups) + damping)

"""Damped effects of movies and people: mean + movie + person (Koren 2009, baseline predictors)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64, Int, Int64
from scipy.sparse import csr_matrix

from reelgraph.core.rating_scale import codes_to_stars
from reelgraph.sequences.dataset import UserHistories

SWEEPS = 5


class Biases(NamedTuple):
    """Effects in stars; an effect of n ratings is damped by n / (n + damping)."""

    mean: float
    movie: Float64[np.ndarray, " movies"]
    """Effect of each movie row; 0 for a movie without rows."""
    user: Float64[np.ndarray, " users"]


def fit_biases(
    histories: UserHistories, fit_end: Int64[np.ndarray, " users"], movie_damping: float, user_damping: float
) -> Biases:
    """Fit both effects in turn, five times, on each user's rows before ``fit_end``."""
    taken, users = histories.mask_before(fit_end), len(histories.user_id)
    user = histories.users_of(np.flatnonzero(taken))
    movie, movies = histories.movie_row[taken], int(histories.movie_row.max()) + 1
    stars = codes_to_stars(histories.half_star_code[taken].astype(np.float64))
    mean = float(stars.mean())
    of_user = np.zeros(users)
    for _ in range(SWEEPS):
        of_movie = _damped(movie, stars - mean - of_user[user], movies, movie_damping)
        of_user = _damped(user, stars - mean - of_movie[movie], users, user_damping)
    return Biases(mean, of_movie, of_user)


def residuals(histories: UserHistories, fitted: Biases) -> Float64[np.ndarray, " ratings"]:
    """Return what mean and movie leave of each rating, in stars."""
    stars = codes_to_stars(histories.half_star_code.astype(np.float64))
    return stars - fitted.mean - fitted.movie[histories.movie_row]


def user_biases_from_history(
    histories: UserHistories,
    residual: Float64[np.ndarray, " ratings"],
    index: Int64[np.ndarray, " n"],
    damping: float,
) -> Float64[np.ndarray, " n"]:
    """Return the damped mean of what is left of the ratings in each target's history, in stars."""
    start, end = histories.offsets[histories.users_of(index)], histories.history_end(index)
    sums = np.concatenate([[0.0], np.cumsum(residual)])
    return (sums[end] - sums[start]) / (end - start + damping)


def training_matrix(
    histories: UserHistories, fit_end: Int64[np.ndarray, " users"], values: Float64[np.ndarray, " ratings"]
) -> csr_matrix:
    """Return the values of the rows before ``fit_end`` as a matrix users × movies."""
    rows = np.flatnonzero(histories.mask_before(fit_end))
    shape = (len(histories.user_id), int(histories.movie_row.max()) + 1)
    return csr_matrix((values[rows], (histories.users_of(rows), histories.movie_row[rows])), shape)


def _damped(
    group: Int[np.ndarray, " rows"], values: Float64[np.ndarray, " rows"], groups: int, damping: float
) -> Float64[np.ndarray, " groups"]:
    return np.bincount(group, values, groups) / (np.bincount(group, minlength=groups) + damping)


Ends = Int64[np.ndarray, " users"]


def global_mean(histories: UserHistories, fit_end: Ends) -> float:
    """Mean of all rows before each user's ``fit_end``, in stars; each counts once."""
    sums = running_sums(histories)
    start = histories.offsets[:-1]
    return float(codes_to_stars((sums[fit_end] - sums[start]).sum() / (fit_end - start).sum()))


def user_means(histories: UserHistories, fit_end: Ends) -> Float[np.ndarray, " users"]:
    """Mean of each user's rows before ``fit_end``, in stars; the global mean for a user without any."""
    sums, start = running_sums(histories), histories.offsets[:-1]
    count = fit_end - start
    means = (sums[fit_end] - sums[start]) / np.maximum(count, 1)
    return np.where(count > 0, codes_to_stars(means), global_mean(histories, fit_end))


def running_sums(histories: UserHistories) -> Int64[np.ndarray, " sums"]:
    """Sum of the codes before each index."""
    return np.concatenate([[0], np.cumsum(histories.half_star_code, dtype=np.int64)])

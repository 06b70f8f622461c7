"""Means and damped biases of users and movies, shared by the baselines.

The bias model is mean + movie bias + user bias (Koren 2009, "baseline predictors").
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64, Int, Int64
from pydantic import Field
from scipy.sparse import csr_matrix

from reelgraph.core.rating_scale import codes_to_stars
from reelgraph.params.base import Section
from reelgraph.sequences.dataset import UserHistories, star_ratings

ITERATIONS = 5
"""Alternating updates of the movie and the user biases."""

RowEnds = Int64[np.ndarray, " users"]
"""Index of the first row of each user that a model is not fitted on."""


class BiasParams(Section):
    """Parameters of the biases."""

    movie_damping: float = Field(gt=0)
    """Ratings that the prior bias of a movie counts as, above 0."""

    user_damping: float = Field(gt=0)
    """Ratings that a prior user bias of 0 counts as, above 0."""


class Biases(NamedTuple):
    """Biases in stars; the bias of n ratings is damped by n / (n + damping)."""

    mean: float
    movie: Float64[np.ndarray, " movies"]
    """Bias of each movie row; 0 for a movie without ratings."""
    user: Float64[np.ndarray, " users"]


def fit_biases(
    histories: UserHistories, fit_end: RowEnds, movie_damping: float, user_damping: float
) -> Biases:
    """Fit movie and user biases in turn on each user's rows before ``fit_end``."""
    rows = np.flatnonzero(histories.mask_before(fit_end))
    n_users = len(histories.user_id)
    user = histories.users_of(rows)
    movie = histories.movie_row[rows]
    stars = star_ratings(histories, rows)
    mean = float(stars.mean())
    user_bias = np.zeros(n_users)
    for _ in range(ITERATIONS):
        movie_bias = _damped_means(movie, stars - mean - user_bias[user], histories.n_movies, movie_damping)
        user_bias = _damped_means(user, stars - mean - movie_bias[movie], n_users, user_damping)
    return Biases(mean, movie_bias, user_bias)


def residuals(histories: UserHistories, biases: Biases) -> Float64[np.ndarray, " ratings"]:
    """Return each rating minus the mean and its movie's bias, in stars."""
    return star_ratings(histories) - biases.mean - biases.movie[histories.movie_row]


def user_biases_from_history(
    histories: UserHistories,
    residual: Float64[np.ndarray, " ratings"],
    index: Int64[np.ndarray, " n"],
    damping: float,
) -> Float64[np.ndarray, " n"]:
    """Return the damped mean of the residuals in each target's history, in stars."""
    start, end = histories.history_bounds(index)
    return histories.sum_history(residual, index) / (end - start + damping)


def training_matrix(
    histories: UserHistories, fit_end: RowEnds, values: Float64[np.ndarray, " ratings"]
) -> csr_matrix:
    """Return the values of the rows before ``fit_end`` as a matrix of users × movies."""
    rows = np.flatnonzero(histories.mask_before(fit_end))
    shape = (len(histories.user_id), histories.n_movies)
    return csr_matrix((values[rows], (histories.users_of(rows), histories.movie_row[rows])), shape)


def _damped_means(
    group: Int[np.ndarray, " rows"], values: Float64[np.ndarray, " rows"], n_groups: int, damping: float
) -> Float64[np.ndarray, " groups"]:
    return np.bincount(group, values, n_groups) / (np.bincount(group, minlength=n_groups) + damping)


def global_mean(histories: UserHistories, fit_end: RowEnds) -> float:
    """Return the mean rating of all rows before ``fit_end``, in stars."""
    sums = running_sums(histories)
    start = histories.offsets[:-1]
    return float(codes_to_stars((sums[fit_end] - sums[start]).sum() / (fit_end - start).sum()))


def user_means(histories: UserHistories, fit_end: RowEnds) -> Float[np.ndarray, " users"]:
    """Return each user's mean rating before ``fit_end``, in stars; without rows the global mean."""
    sums = running_sums(histories)
    start = histories.offsets[:-1]
    count = fit_end - start
    means = (sums[fit_end] - sums[start]) / np.maximum(count, 1)
    return np.where(count > 0, codes_to_stars(means), global_mean(histories, fit_end))


def running_sums(histories: UserHistories) -> Int64[np.ndarray, " sums"]:
    """Return the sum of the half-star codes before each index; integers, so the sums are exact."""
    return np.concatenate([[0], np.cumsum(histories.half_star_code, dtype=np.int64)])

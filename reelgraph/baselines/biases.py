"""Damped effects of movies and people: mean + movie + person (Koren 2009, baseline predictors)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Int, Int64

from reelgraph.histories.arrays import Histories
from reelgraph.stars import from_codes

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


def _damped(
    group: Int[np.ndarray, " rows"], values: Float64[np.ndarray, " rows"], groups: int, damping: float
) -> Float64[np.ndarray, " groups"]:
    return np.bincount(group, values, groups) / (np.bincount(group, minlength=groups) + damping)

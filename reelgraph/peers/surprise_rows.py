"""Ratings for the package Surprise, and what its algorithms say of the targets."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float, Int64

from reelgraph.histories.arrays import Histories
from reelgraph.peers.needed import needed
from reelgraph.stars import HIGHEST, LOWEST, from_codes


def predict_by(
    algorithm: Any,
    histories: Histories,
    fit_end: Int64[np.ndarray, " users"],
    index: Int64[np.ndarray, " n"],
) -> Float[np.ndarray, " n"]:
    """Fit on the rows before ``fit_end``, predict the ratings at ``index``, in stars."""
    algorithm.fit(_trainset(histories, fit_end))
    pairs = zip(histories.users_of(index).tolist(), histories.movie_row[index].tolist(), strict=True)
    return np.array([algorithm.estimate(user, movie) for user, movie in pairs], np.float64).clip(
        LOWEST, HIGHEST
    )


def _trainset(histories: Histories, fit_end: Int64[np.ndarray, " users"]) -> Any:
    """Return the rows as Surprise keeps them; numbers of users and movies are ours."""
    rows = np.flatnonzero(histories.before(fit_end))
    users, movies = histories.users_of(rows), histories.movie_row[rows]
    by_user: dict[int, list[tuple[int, float]]] = {}
    by_movie: dict[int, list[tuple[int, float]]] = {}
    stars = from_codes(histories.code[rows].astype(np.float64))
    for user, movie, given in zip(users.tolist(), movies.tolist(), stars.tolist(), strict=True):
        by_user.setdefault(user, []).append((movie, given))
        by_movie.setdefault(movie, []).append((user, given))
    n_users, n_movies = len(histories.user_id), int(movies.max()) + 1
    names = {i: i for i in range(max(n_users, n_movies))}
    return needed("surprise").Trainset(
        by_user, by_movie, n_users, n_movies, len(rows), (LOWEST, HIGHEST), names, names
    )

"""Ratings for the package Surprise, and what its algorithms say of the targets."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float, Int64

from reelgraph.baselines.registry import import_optional
from reelgraph.core.rating_scale import MAX_STARS, MIN_STARS, codes_to_stars
from reelgraph.sequences.dataset import UserHistories


def predict_with_surprise(
    algorithm: Any,
    histories: UserHistories,
    fit_end: Int64[np.ndarray, " users"],
    index: Int64[np.ndarray, " n"],
) -> Float[np.ndarray, " n"]:
    """Fit on the rows before ``fit_end``, predict the ratings at ``index``, in stars."""
    rows = np.flatnonzero(histories.mask_before(fit_end))
    # Each user and movie that Surprise counts must have ratings; others are unknown to it.
    known = [np.unique(side[rows]) for side in _sides(histories)]
    users, movies = (_numbers(side, among) for side, among in zip(_sides(histories), known, strict=True))
    given = codes_to_stars(histories.half_star_code[rows].astype(np.float64))
    algorithm.fit(_trainset(users[rows].tolist(), movies[rows].tolist(), given.tolist()))
    pairs = zip(users[index].tolist(), movies[index].tolist(), strict=True)
    said = [algorithm.estimate(user, movie) for user, movie in pairs]
    return np.array(said, np.float64).clip(MIN_STARS, MAX_STARS)


def _sides(histories: UserHistories) -> tuple[np.ndarray, np.ndarray]:
    """Return user and movie of each rating."""
    return histories.users_of(np.arange(len(histories.half_star_code))), histories.movie_row


def _numbers(values: np.ndarray, known: np.ndarray) -> Int64[np.ndarray, " ratings"]:
    """Return each value's place among the known ones, ascending; their number for others."""
    place = np.minimum(np.searchsorted(known, values), len(known) - 1)
    return np.where(known[place] == values, place, len(known))


def _trainset(users: list[int], movies: list[int], given: list[float]) -> Any:
    """Return rows as Surprise keeps them."""
    by_user: dict[int, list[tuple[int, float]]] = {}
    by_movie: dict[int, list[tuple[int, float]]] = {}
    for user, movie, stars in zip(users, movies, given, strict=True):
        by_user.setdefault(user, []).append((movie, stars))
        by_movie.setdefault(movie, []).append((user, stars))
    counts = len(by_user), len(by_movie), len(given)
    names = {i: i for i in range(max(counts[:2]))}
    return import_optional("surprise").Trainset(
        by_user, by_movie, *counts, (MIN_STARS, MAX_STARS), names, names
    )

"""Adapter to the package Surprise: its train set, and its predictions of the targets."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float, Int64
from pydantic import Field

from reelgraph.baselines.registry import import_optional
from reelgraph.core.rating_scale import MAX_STARS, MIN_STARS
from reelgraph.params.base import Section, Seed
from reelgraph.sequences.dataset import UserHistories, star_ratings


class SurpriseParams(Section):
    """Parameters of Surprise's matrix factorisations."""

    factors: int = Field(ge=1, le=1024)
    """Dimensions, 1 to 1024."""

    epochs: int = Field(ge=1)
    """Passes over the rows, 1 or more."""

    learning_rate: float = Field(gt=0)
    """Step size of gradient descent, above 0."""

    l2: float = Field(ge=0)
    """Weight of the squared parameters, 0 or more."""

    seed: Seed
    """Seed of the initial factors."""


def predict_with_surprise(
    algorithm_type: str,
    histories: UserHistories,
    fit_end: Int64[np.ndarray, " users"],
    index: Int64[np.ndarray, " n"],
    params: SurpriseParams,
    **options: bool,
) -> Float[np.ndarray, " n"]:
    """Fit one of Surprise's algorithms and predict the ratings at ``index``, in stars.

    Args:
        algorithm_type: name of the class in Surprise.
        histories: ratings of all users.
        fit_end: the algorithm is fitted on each user's rows before it.
        index: the targets.
        params: of the algorithm.
        options: further arguments of the class.
    """
    algorithm = getattr(import_optional("surprise"), algorithm_type)(
        n_factors=params.factors, n_epochs=params.epochs, lr_all=params.learning_rate, reg_all=params.l2,
        random_state=params.seed, **options,
    )  # fmt: skip
    rows = np.flatnonzero(histories.mask_before(fit_end))
    # Surprise takes every user and movie that it counts to have ratings; others get a number past the end.
    users = _number_fitted(histories.users_of(np.arange(len(histories.half_star_code))), rows)
    movies = _number_fitted(histories.movie_row, rows)
    stars = star_ratings(histories, rows)
    algorithm.fit(_build_trainset(users[rows].tolist(), movies[rows].tolist(), stars.tolist()))
    pairs = zip(users[index].tolist(), movies[index].tolist(), strict=True)
    predictions = [algorithm.estimate(user, movie) for user, movie in pairs]
    return np.array(predictions, np.float64).clip(MIN_STARS, MAX_STARS)


def _number_fitted(values: np.ndarray, rows: Int64[np.ndarray, " fitted"]) -> Int64[np.ndarray, " ratings"]:
    """Number the values that occur in the rows in ascending order; other values get the next number."""
    vocabulary = np.unique(values[rows])
    position = np.minimum(np.searchsorted(vocabulary, values), len(vocabulary) - 1)
    return np.where(vocabulary[position] == values, position, len(vocabulary))


def _build_trainset(users: list[int], movies: list[int], ratings: list[float]) -> Any:
    """Return the ratings as Surprise's ``Trainset``."""
    by_user: dict[int, list[tuple[int, float]]] = {}
    by_movie: dict[int, list[tuple[int, float]]] = {}
    for user, movie, stars in zip(users, movies, ratings, strict=True):
        by_user.setdefault(user, []).append((movie, stars))
        by_movie.setdefault(movie, []).append((user, stars))
    counts = (len(by_user), len(by_movie), len(ratings))
    names = {i: i for i in range(max(counts[:2]))}
    scale = (MIN_STARS, MAX_STARS)
    return import_optional("surprise").Trainset(by_user, by_movie, *counts, scale, names, names)

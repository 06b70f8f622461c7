"""Ranker: a ridge regression of the next movie on the last movies of the history.

Each rating is an observation: the response is its movie, the predictors are the movies before it, and one
that lies j ratings back counts decay^(j − 1). It is the regression of SLIT (Choi et al. 2021, "Session-aware
Linear Item-Item Models") with one future movie.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, Int64
from pydantic import Field
from scipy.linalg import cho_solve

from reelgraph.params.base import Section
from reelgraph.rankers.item_weights import (
    ItemWeightsRanker,
    Matrix,
    penalized_cholesky,
    positions,
    restore_item_weights,
)
from reelgraph.rankers.ranker import FittedRatings, RankerInputs, frequent_movies

restore = restore_item_weights


class Params(Section):
    """Parameters of the ranker."""

    decay: float = Field(gt=0, lt=1)
    """Weight of a rating of the history against that of the next newer one, above 0, below 1."""

    length: int = Field(ge=1, le=1000)
    """Last ratings of a history that are predictors when fitting, 1 to 1000."""

    l2: float = Field(gt=0)
    """Weight of the L2 penalty, in ratings, above 0."""


def fit(inputs: RankerInputs, params: Params) -> ItemWeightsRanker:
    """Fit on the order in which users have rated movies."""
    ratings = inputs.ratings
    movies = frequent_movies(ratings)
    gram, cross = sum_products(ratings, movies, params.decay, params.length)
    return ItemWeightsRanker(movies, solve_ridge(gram, cross, params.l2), params.decay, ratings.n_movies)


def solve_ridge(
    gram: Matrix, cross: Float32[np.ndarray, "frequent targets"], l2: float
) -> Float32[np.ndarray, "frequent targets"]:
    """Return (gram + l2 · I)⁻¹ · cross.

    Raises:
        TrainingError: as ``penalized_cholesky``.
    """
    return cho_solve((penalized_cholesky(gram, l2), True), cross, check_finite=False)


def sum_products(
    ratings: FittedRatings, movies: Int64[np.ndarray, " frequent"], decay: float, length: int
) -> tuple[Matrix, Matrix]:
    """Return Σ x xᵀ and Σ x yᵀ over all ratings, where y is the movie and x the decayed history before it.

    Two ratings i ≤ j of a user are both in the history of up to ``length`` later ratings. Their products sum
    to decay^(j − i) · Σ decay^(2 s) over these, so each pair is visited once, and no history is built.
    """
    n = len(movies)
    position = positions(movies, ratings.n_movies)[ratings.movie_row]
    index = np.arange(len(position))
    _, count = np.unique(ratings.user, return_counts=True)
    end = np.repeat(np.cumsum(count), count)
    gram = np.zeros((n, n), np.float32)
    cross = np.zeros((n, n), np.float32)
    gram_cells = gram.reshape(-1)
    cross_cells = cross.reshape(-1)
    geometric = (1 - decay ** (2 * np.arange(length + 1))) / (1 - decay**2)
    for lag in range(length + 1):
        first = index[: max(len(index) - lag, 0)]
        second = first + lag
        is_pair = (second < end[first]) & (position[first] >= 0) & (position[second] >= 0)
        first = first[is_pair]
        second = second[is_pair]
        cell = position[first] * n + position[second]
        if lag < length:
            shared = np.minimum(end[second] - 1 - second, length - lag)
            np.add.at(gram_cells, cell, (decay**lag * geometric[shared]).astype(np.float32))
        if lag:
            np.add.at(cross_cells, cell, np.float32(decay ** (lag - 1)))
    np.fill_diagonal(gram, np.diag(gram) / 2)
    return gram + gram.T, cross

"""Ranker: a ridge regression of the next movie on the last movies of the history.

Each rating is an observation: the response is its movie, the predictors are the movies before it, and one
that lies j ratings back counts decay^(j − 1). It is the regression of SLIT (Choi et al. 2021, "Session-aware
Linear Item-Item Models") with one future movie.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, Int64
from pydantic import Field

from reelgraph.params.base import Section
from reelgraph.rankers.item_weights import (
    ItemWeightsRanker,
    Matrix,
    penalized_cholesky,
    positions,
    restore_item_weights,
    solve_cholesky,
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
    return solve_cholesky(penalized_cholesky(gram, l2), cross)


def score_ridge(
    gram: Matrix, cross: Matrix, histories: Float32[np.ndarray, "queries frequent"], l2: float
) -> Float32[np.ndarray, "queries frequent"]:
    """Return histories · (gram + l2 · I)⁻¹ · cross, faster than by ``solve_ridge`` for few histories.

    Raises:
        TrainingError: as ``penalized_cholesky``.
    """
    return solve_ridge(gram, histories.T, l2).T @ cross


def sum_products(
    ratings: FittedRatings, movies: Int64[np.ndarray, " frequent"], decay: float, length: int
) -> tuple[Matrix, Matrix]:
    """Return Σ x xᵀ and Σ x yᵀ over all ratings, where y is the movie and x the decayed history before it.

    Two ratings i ≤ j of a user are both in the history of up to ``length`` later ratings. Their products sum
    to decay^(j − i) · Σ decay^(2 s) over these, so each pair is visited once, and no history is built. The
    pairs are added up by the movie of i: one row at a time stays in the processor's cache.
    """
    n = len(movies)
    position = positions(movies, ratings.n_movies)[ratings.movie_row]
    _, count = np.unique(ratings.user, return_counts=True)
    n_later = np.minimum(np.repeat(np.cumsum(count), count) - np.arange(len(position)) - 1, length)
    lag = np.arange(length + 1)
    n_behind = lag[:, None] - lag  # later ratings behind j, by those behind i and by j − i
    geometric = (1 - decay ** (2 * lag)) / (1 - decay**2)
    gram_weight = np.where(n_behind > 0, decay**lag * geometric[n_behind], 0)
    cross_weight = np.where((n_behind >= 0) & (lag > 0), decay ** np.maximum(lag - 1, 0), 0)
    # Column n takes what has no weights: other movies, and what follows the last rating.
    second = np.append(np.where(position < 0, n, position), np.full(length + 1, n))
    following = np.lib.stride_tricks.sliding_window_view(second, length + 1)
    by_movie = np.argsort(position, kind="stable")
    start = np.searchsorted(position[by_movie], np.arange(n + 1))
    gram = np.empty((n, n), np.float32)
    cross = np.empty((n, n), np.float32)
    for movie in range(n):
        first = by_movie[start[movie] : start[movie + 1]]
        column = following[first].ravel()
        gram[movie] = np.bincount(column, gram_weight[n_later[first]].ravel(), n + 1)[:n]
        cross[movie] = np.bincount(column, cross_weight[n_later[first]].ravel(), n + 1)[:n]
    np.fill_diagonal(gram, np.diag(gram) / 2)
    return gram + gram.T, cross

"""Baseline: matrix factorisation of the bias residuals with implicit feedback.

With R the ratings minus their biases and B the 0/1 matrix of who rated what, it fits R ≈ P·Qᵀ together with
B ≈ P·Sᵀ and B ≈ W·Qᵀ: collective matrix factorisation (Singh and Gordon 2008) with implicit features
(Cortes 2018, "Cold-start recommendations in collective matrix factorization"), by alternating least squares.

It is implemented here because the libraries do not fit: cmfrec needs a compiler, LensKit an older pandas, and
Surprise's SVD++ takes a minute on 100,000 ratings. Here a user's factors are also solved from their history
at each target, as the rater sees it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64, Int64
from pydantic import Field
from scipy.sparse import csr_matrix

from reelgraph.baselines.biases import (
    BiasParams,
    fit_biases,
    residuals,
    training_matrix,
    user_biases_from_history,
)
from reelgraph.core.rating_scale import MAX_STARS, MIN_STARS
from reelgraph.core.seeds import generator
from reelgraph.params.base import Seed
from reelgraph.sequences.dataset import UserHistories

INITIAL_STD = 0.1
"""Standard deviation of the movie factors at the start."""

MAX_RATINGS = 1 << 22
"""Ratings of histories in memory at a time."""


class Params(BiasParams):
    """Parameters of the baseline."""

    factors: int = Field(ge=1, le=1024)
    """Dimensions, 1 to 1024."""

    l2: float = Field(gt=0)
    """Weight of the squared factors, above 0."""

    implicit_weight: float = Field(ge=0)
    """Weight of who rated what relative to the ratings, 0 (not used) or more."""

    iterations: int = Field(ge=1)
    """Iterations of alternating least squares, 1 or more."""

    seed: Seed
    """Seed of the initial factors."""


class ItemFactors(NamedTuple):
    """Factors of the movies: of their ratings (Q), and of who rated them (S)."""

    explicit: Float64[np.ndarray, "movies factors"]
    implicit: Float64[np.ndarray, "movies factors"]


def predict(
    histories: UserHistories,
    fit_end: Int64[np.ndarray, " users"],
    index: Int64[np.ndarray, " n"],
    params: Params,
) -> Float[np.ndarray, " n"]:
    """Predict the ratings at ``index`` from all ratings of their histories, in stars."""
    biases = fit_biases(histories, fit_end, params.movie_damping, params.user_damping)
    residual = residuals(histories, biases)
    movie = histories.movie_row[index]
    user = histories.users_of(np.arange(len(residual)))
    items = fit_als(training_matrix(histories, fit_end, residual - biases.user[user]), params)
    user_bias = user_biases_from_history(histories, residual, index, params.user_damping)
    interaction = np.zeros(len(index))
    for batch in _batches(histories, index):
        rows = _history_matrix(histories, index[batch], residual, user_bias[batch], len(items.explicit))
        implicit_sum = _indicator(rows) @ items.implicit
        user_factors = _solve_explicit(rows, items.explicit, items.implicit, implicit_sum, params)
        interaction[batch] = np.einsum("nk,nk->n", user_factors, items.explicit[movie[batch]])
    return (biases.mean + biases.movie[movie] + user_bias + interaction).clip(MIN_STARS, MAX_STARS)


def fit_als(residual: csr_matrix, params: Params) -> ItemFactors:
    """Fit the movie factors to residuals of users × movies; a stored 0 is a rating too."""
    n_users, n_movies = residual.shape
    by_movie = residual.T.tocsr()
    rated = _indicator(residual)
    explicit = generator(params.seed, "biased_mf").normal(0, INITIAL_STD, (n_movies, params.factors))
    implicit = np.zeros((n_movies, params.factors))
    user_implicit = np.zeros((n_users, params.factors))
    for _ in range(params.iterations):
        user_factors = _solve_explicit(residual, explicit, implicit, rated @ implicit, params)
        implicit = _solve_implicit(user_factors, rated.T @ user_factors, params)
        explicit = _solve_explicit(by_movie, user_factors, user_implicit, rated.T @ user_implicit, params)
        user_implicit = _solve_implicit(explicit, rated @ explicit, params)
    return ItemFactors(explicit, implicit)


def _solve_explicit(
    values: csr_matrix,
    explicit: Float64[np.ndarray, "columns factors"],
    implicit: Float64[np.ndarray, "columns factors"],
    implicit_sum: Float64[np.ndarray, "rows factors"],
    params: Params,
) -> Float64[np.ndarray, "rows factors"]:
    """Return the factors of each row of ``values`` that fit it best, given the factors of the columns.

    Args:
        values: what is fitted, at its stored cells.
        explicit: factors of the columns.
        implicit: factors of the columns for who rated what.
        implicit_sum: of each row, the sum of ``implicit`` over its stored columns.
        params: ``l2`` and ``implicit_weight``.
    """
    gram = params.l2 * np.eye(params.factors) + params.implicit_weight * (implicit.T @ implicit)
    factors = np.empty_like(implicit_sum)
    # Row by row: one product a row is faster than sums over all rows' outer products.
    for row, (start, end) in enumerate(zip(values.indptr[:-1], values.indptr[1:], strict=True)):
        rated = explicit[values.indices[start:end]]
        target = params.implicit_weight * implicit_sum[row] + values.data[start:end] @ rated
        factors[row] = np.linalg.solve(gram + rated.T @ rated, target)
    return factors


def _solve_implicit(
    explicit: Float64[np.ndarray, "columns factors"],
    explicit_sum: Float64[np.ndarray, "rows factors"],
    params: Params,
) -> Float64[np.ndarray, "rows factors"]:
    """Return the factors that fit all cells of who rated what best, given the factors of the other side."""
    gram = explicit.T @ explicit + params.l2 * np.eye(params.factors)
    return np.linalg.solve(gram, explicit_sum.T).T


def _batches(histories: UserHistories, index: Int64[np.ndarray, " n"]) -> list[Int64[np.ndarray, " batch"]]:
    """Split the targets into batches whose histories have about ``MAX_RATINGS`` ratings together."""
    start, end = histories.history_bounds(index)
    batch = np.cumsum(end - start) // MAX_RATINGS
    return np.split(np.arange(len(index)), np.flatnonzero(np.diff(batch)) + 1)


def _history_matrix(
    histories: UserHistories,
    index: Int64[np.ndarray, " n"],
    residual: Float64[np.ndarray, " ratings"],
    user_bias: Float64[np.ndarray, " n"],
    n_movies: int,
) -> csr_matrix:
    """Return the residuals of each target's history, targets × movies."""
    start, end = histories.history_bounds(index)
    length = end - start
    bounds = np.concatenate([[0], np.cumsum(length)])
    rows = np.arange(bounds[-1]) + np.repeat(start - bounds[:-1], length)
    values = residual[rows] - np.repeat(user_bias, length)
    return csr_matrix((values, histories.movie_row[rows], bounds), (len(index), n_movies))


def _indicator(values: csr_matrix) -> csr_matrix:
    """Return a matrix with 1 at each stored cell."""
    return csr_matrix((np.ones_like(values.data), values.indices, values.indptr), values.shape)

"""Ranker: EASE, a linear model of which movies users have watched (Steck 2019)."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32
from pydantic import Field

from reelgraph.rankers.item_weights import (
    DecayParams,
    ItemWeightsRanker,
    Matrix,
    cooccurrence_counts,
    inverse_diagonal,
    penalized_cholesky,
    penalized_inverse,
    restore_item_weights,
    solve_cholesky,
)
from reelgraph.rankers.ranker import RankerInputs, frequent_movies

restore = restore_item_weights


class Params(DecayParams):
    """Parameters of the ranker."""

    l2: float = Field(gt=0)
    """Weight of the L2 penalty, in users, above 0."""


def fit(inputs: RankerInputs, params: Params) -> ItemWeightsRanker:
    """Fit on who has watched what."""
    ratings = inputs.ratings
    movies = frequent_movies(ratings)
    weights = solve_ease(cooccurrence_counts(ratings, movies), params.l2)
    return ItemWeightsRanker(movies, weights, params.decay, ratings.n_movies)


def solve_ease(counts: Matrix, l2: float) -> Matrix:
    """Return B = I − P · diag(1 / P) with P = (counts + l2 · I)⁻¹; its diagonal is 0.

    Raises:
        TrainingError: as ``penalized_inverse``.
    """
    inverse = penalized_inverse(counts, l2)
    inverse /= -np.diag(inverse)
    np.fill_diagonal(inverse, 0)
    return inverse


def score_ease(
    counts: Matrix, histories: Float32[np.ndarray, "queries frequent"], l2: float
) -> Float32[np.ndarray, "queries frequent"]:
    """Return histories · (B − I), B being that of ``solve_ease``, faster for few histories.

    Raises:
        TrainingError: as ``penalized_inverse``.
    """
    factor = penalized_cholesky(counts, l2)
    products = solve_cholesky(factor, histories.T).T
    return products / -inverse_diagonal(factor)

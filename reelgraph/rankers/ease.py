"""Ranker: EASE, a linear model of which movies users have watched (Steck 2019)."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32
from pydantic import Field
from scipy.linalg import lapack

from reelgraph.rankers.item_weights import (
    DecayParams,
    ItemWeightsRanker,
    cooccurrence_counts,
    restore_item_weights,
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


def solve_ease(
    counts: Float32[np.ndarray, "frequent frequent"], l2: float
) -> Float32[np.ndarray, "frequent frequent"]:
    """Return B = I − P · diag(1 / P) with P = (counts + l2 · I)⁻¹; its diagonal is 0."""
    gram = counts + np.float32(l2) * np.eye(len(counts), dtype=np.float32)
    inverse = invert_positive_definite(gram)
    weights = inverse / -np.diag(inverse)
    np.fill_diagonal(weights, 0)
    return weights


def invert_positive_definite(matrix: Float32[np.ndarray, "n n"]) -> Float32[np.ndarray, "n n"]:
    """Return the inverse by Cholesky's decomposition, in half the time of a general inverse."""
    factor, _ = lapack.spotrf(matrix, lower=1)
    lower, _ = lapack.spotri(factor, lower=1)
    return np.tril(lower) + np.tril(lower, -1).T

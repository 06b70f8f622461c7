"""Ranker: movies that the same users have watched, by cosine similarity (Sarwar et al. 2001)."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from reelgraph.rankers.item_weights import (
    DecayParams,
    ItemWeightsRanker,
    Matrix,
    cooccurrence_counts,
    restore_item_weights,
)
from reelgraph.rankers.ranker import RankerInputs, frequent_movies

restore = restore_item_weights


class Params(DecayParams):
    """Parameters of the ranker."""

    neighbours: int = Field(ge=1)
    """Most similar movies of each movie that count, 1 or more."""

    shrinkage: float = Field(ge=0)
    """Damping of the similarity, in common users, 0 or more."""


def fit(inputs: RankerInputs, params: Params) -> ItemWeightsRanker:
    """Fit on who has watched what."""
    ratings = inputs.ratings
    movies = frequent_movies(ratings)
    counts = cooccurrence_counts(ratings, movies)
    norm = np.sqrt(np.diag(counts))
    similarity = counts / (np.outer(norm, norm) + np.float32(params.shrinkage))
    weights = keep_largest(similarity, params.neighbours)
    return ItemWeightsRanker(movies, weights, params.decay, ratings.n_movies)


def keep_largest(similarity: Matrix, count: int) -> Matrix:
    """Set the diagonal, and all but the ``count`` largest values of each column, to 0."""
    weights = similarity.copy()
    np.fill_diagonal(weights, 0)
    if count < len(weights):
        threshold = np.partition(weights, -count, axis=0)[-count]
        weights[weights < threshold] = 0
    return weights

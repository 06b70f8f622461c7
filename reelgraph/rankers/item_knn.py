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
    similarity = cooccurrence_counts(ratings, movies)
    norm = np.sqrt(np.diag(similarity))
    for row, row_norm in zip(similarity, norm, strict=True):
        row /= row_norm * norm + np.float32(params.shrinkage)
    weights = keep_largest(similarity, params.neighbours)
    return ItemWeightsRanker(movies, weights, params.decay, ratings.n_movies)


def keep_largest(similarity: Matrix, count: int) -> Matrix:
    """Set the diagonal, and all but the ``count`` largest values of each column, to 0.

    Args:
        similarity: symmetric; it is overwritten.
        count: values of a column that stay.
    """
    np.fill_diagonal(similarity, 0)
    if count < len(similarity):
        # A row equals its column, and is faster to read.
        threshold = np.array([np.partition(row, -count)[-count] for row in similarity])
        similarity[similarity < threshold] = 0
    return similarity

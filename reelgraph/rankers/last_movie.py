"""What users watch right after a movie: the first-order Markov chain of the ratings (Rendle et al. 2010)."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int64
from scipy.sparse import csr_matrix

from reelgraph.rankers.item_weights import ItemWeightsRanker, positions
from reelgraph.rankers.ranker import FittedRatings

DAMPING = 5.0
"""Transitions to none of the movies that are added to those of each movie."""
LAST_ONLY = 0.0
"""The decay with which only the last movie of a history counts, as 0⁰ = 1."""


def fit_last_movie(ratings: FittedRatings, movies: Int64[np.ndarray, " frequent"]) -> ItemWeightsRanker:
    """Return the damped fraction of each movie among those rated right after the last movie.

    Args:
        ratings: ordered by user and time.
        movies: ascending rows of the movies with weights.
    """
    position = positions(movies, ratings.n_movies)[ratings.movie_row]
    follows = (ratings.user[1:] == ratings.user[:-1]) & (position[1:] >= 0) & (position[:-1] >= 0)
    first = position[:-1][follows]
    second = position[1:][follows]
    ones = np.ones(len(first), np.float32)
    weights = csr_matrix((ones, (first, second)), (len(movies), len(movies))).toarray()
    weights /= weights.sum(axis=1, keepdims=True) + np.float32(DAMPING)
    return ItemWeightsRanker(movies, weights, LAST_ONLY, ratings.n_movies)

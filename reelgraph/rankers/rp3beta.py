"""Ranker: RP3β, random walks from the history to movies, damped by popularity (Paudel et al. 2016)."""

from __future__ import annotations

import numpy as np
from pydantic import Field
from scipy.sparse import diags

from reelgraph.rankers.item_weights import (
    DecayParams,
    ItemWeightsRanker,
    restore_item_weights,
    symmetric_product,
    watched_matrix,
)
from reelgraph.rankers.ranker import RankerInputs, frequent_movies

restore = restore_item_weights


class Params(DecayParams):
    """Parameters of the ranker."""

    alpha: float = Field(gt=0)
    """Exponent of the steps' probabilities, above 0."""

    beta: float = Field(ge=0)
    """Exponent of the popularity that divides a score, 0 or more."""


def fit(inputs: RankerInputs, params: Params) -> ItemWeightsRanker:
    """Fit on who has watched what."""
    ratings = inputs.ratings
    movies = frequent_movies(ratings)
    watched = watched_matrix(ratings, movies)
    user_count = np.maximum(np.asarray(watched.sum(axis=1)).ravel(), 1)
    movie_count = np.asarray(watched.sum(axis=0)).ravel()
    weights = symmetric_product(watched, diags(user_count**-params.alpha) @ watched)
    weights *= movie_count[:, None] ** -params.alpha
    weights /= movie_count**params.beta
    np.fill_diagonal(weights, 0)
    return ItemWeightsRanker(movies, weights, params.decay, ratings.n_movies)

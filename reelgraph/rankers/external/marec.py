"""Peer: MARec with EASE, whose weights are aligned with similarities of the content (Monteil et al. 2024).

For movies with X = who watched them, and similarities G of their content, its closed form is
B = (XᵀX + XᵀXGD + l2 · I)⁻¹ (XᵀX + XᵀXGD), with a diagonal of 0. D = ``alignment`` · max(1 − ratings / p, 0)
aligns movies with fewer than p ratings. Here p is ``MIN_RATINGS``, and movies with fewer ratings are not
predictors, so D is 0 for all predictors: their weights are those of EASE.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Int64
from pydantic import Field
from scipy.optimize import nnls

from reelgraph.params.base import Section
from reelgraph.rankers.content import build_regressors
from reelgraph.rankers.ease import solve_ease
from reelgraph.rankers.item_weights import positions, watched_matrix
from reelgraph.rankers.next_movie import solve_ridge
from reelgraph.rankers.ranker import MIN_RATINGS, MovieContent, RankerInputs, RankingQuery, frequent_movies

Weights = Float32[np.ndarray, "frequent movies"]
Similarities = Float32[np.ndarray, "kinds frequent movies"]


class Params(Section):
    """Parameters of the ranker."""

    l2: float = Field(gt=0)
    """Weight of the L2 penalty, in users, above 0."""

    alignment: float = Field(gt=0)
    """Weight of the similarities for a movie without ratings, above 0."""

    smoothing: float = Field(gt=0)
    """Added to the product of two movies' lengths, by which their inner product is divided, above 0."""


@dataclass(frozen=True)
class MarecRanker:
    """score(m) = Σ weight(h, m) over the movies h of the history."""

    movies: Int64[np.ndarray, " frequent"]
    """Ascending rows of the movies that are predictors."""
    weights: Weights
    """Weight of a history's movie (row) for a candidate (column)."""

    def score(self, query: RankingQuery) -> Float32[np.ndarray, " movies"]:
        """Return the score of each movie."""
        position = self._positions(query)
        return self.weights[position[position >= 0]].sum(axis=0, dtype=np.float32)

    def contributions(
        self, query: RankingQuery, movies: Int64[np.ndarray, " selected"]
    ) -> Float[np.ndarray, "selected history"]:
        """Return the summand of each movie of the history."""
        position = self._positions(query)
        return np.where(position >= 0, self.weights[position, movies[:, None]], np.float32(0))

    def _positions(self, query: RankingQuery) -> Int64[np.ndarray, " history"]:
        return positions(self.movies, self.weights.shape[1])[query.history]

    def arrays(self) -> dict[str, np.ndarray]:
        """Return rows and weights."""
        return {"movies": self.movies, "weights": self.weights}


def restore(arrays: Mapping[str, np.ndarray]) -> MarecRanker:
    """Build the ranker from its ``arrays``."""
    return MarecRanker(arrays["movies"], arrays["weights"])


def fit(inputs: RankerInputs, params: Params) -> MarecRanker:
    """Fit on who has watched what, and on the movies' content."""
    ratings = inputs.ratings
    movies = frequent_movies(ratings)
    watched = watched_matrix(ratings, np.arange(ratings.n_movies))
    products = (watched[:, movies].T @ watched).toarray()
    gram = products[:, movies]
    similarity = weigh_similarities(gram, movies, similarities(inputs.content, movies, params.smoothing))
    count = np.bincount(ratings.movie_row, minlength=ratings.n_movies)
    aligned = params.alignment * np.maximum(1 - count / MIN_RATINGS, 0)
    weights = solve_ridge(gram, products + gram @ (similarity * aligned.astype(np.float32)), params.l2)
    weights[:, movies] = solve_ease(gram, params.l2)
    return MarecRanker(movies, weights)


def similarities(
    content: MovieContent, movies: Int64[np.ndarray, " frequent"], smoothing: float
) -> Similarities:
    """Return the smoothed cosines of entities and years, and those of texts; 0 of a movie with itself."""
    indicators, text = build_regressors(content)
    products = [(indicators[movies] @ indicators.T).toarray(), text[movies] @ text.T]
    lengths = [np.sqrt(np.asarray(indicators.sum(axis=1)).ravel()), np.linalg.norm(text, axis=1)]
    for product, length in zip(products, lengths, strict=True):
        product /= length[movies, None] * length + np.float32(smoothing)
        product[np.arange(len(movies)), movies] = 0
    return np.stack(products)


def weigh_similarities(
    gram: Float32[np.ndarray, "frequent frequent"],
    movies: Int64[np.ndarray, " frequent"],
    similarities: Similarities,
) -> Weights:
    """Return Σ μ G, with μ ≥ 0 by the normal equations of a regression of X on XG, all of the predictors."""
    parts = similarities[:, :, movies]
    normal = np.tensordot(gram @ parts, parts, ((1, 2), (1, 2)))
    weights, _ = nnls(normal, np.tensordot(parts, gram, 2))
    return np.tensordot(weights.astype(np.float32), similarities, 1)

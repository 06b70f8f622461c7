"""Peer: iALS, matrix factorisation of who watched what, by cmfrec (Hu, Koren & Volinsky 2008)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module

import numpy as np
from jaxtyping import Float, Float32, Float64, Int64
from pydantic import Field
from scipy.sparse import coo_matrix

from reelgraph.params.base import Section
from reelgraph.rankers.ranker import RankerInputs, RankingQuery


class Params(Section):
    """Parameters of the ranker."""

    factors: int = Field(ge=1, le=1024)
    """Dimensions, 1 to 1024."""

    l2: float = Field(gt=0)
    """Weight of the squared factors, above 0."""

    alpha: float = Field(gt=0)
    """Confidence that a watched movie has in addition to that of others, above 0."""

    iterations: int = Field(ge=1)
    """Iterations of alternating least squares, 1 or more."""


@dataclass(frozen=True)
class IalsRanker:
    """score = x · Y, where x are the factors of a user with this history, by the model's normal equations."""

    factors: Float64[np.ndarray, "movies factors"]
    """Y: factors of the movies."""
    gram: Float64[np.ndarray, "factors factors"]
    """YᵀY of the movies with ratings, with the L2 penalty on its diagonal."""
    alpha: float

    def score(self, query: RankingQuery) -> Float32[np.ndarray, " movies"]:
        """Return the score of each movie."""
        return (self.factors @ self._weigh_history(query).sum(axis=1)).astype(np.float32)

    def contributions(
        self, query: RankingQuery, movies: Int64[np.ndarray, " selected"]
    ) -> Float[np.ndarray, "selected history"]:
        """Return the summand of each movie of the history."""
        return self.factors[movies] @ self._weigh_history(query)

    def _weigh_history(self, query: RankingQuery) -> Float64[np.ndarray, "factors history"]:
        """Return what each movie of the history adds to the user's factors."""
        watched = self.factors[query.history]
        normal = self.gram + self.alpha * watched.T @ watched
        return np.linalg.solve(normal, (1 + self.alpha) * watched.T)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return factors, their products and the confidence."""
        return {"factors": self.factors, "gram": self.gram, "alpha": np.array(self.alpha)}


def restore(arrays: Mapping[str, np.ndarray]) -> IalsRanker:
    """Build the ranker from its ``arrays``."""
    return IalsRanker(arrays["factors"], arrays["gram"], float(arrays["alpha"]))


def fit(inputs: RankerInputs, params: Params) -> IalsRanker:
    """Fit the factors; cmfrec must be installed. Those of movies without ratings are 0."""
    return fit_factors(inputs, params)


def fit_factors(
    inputs: RankerInputs,
    params: Params,
    content: Float64[np.ndarray, "movies content"] | None = None,
    content_weight: float = 1.0,
) -> IalsRanker:
    """Fit the factors of movies with ratings; those without are predicted from content, or 0.

    Args:
        inputs: who watched what, and the seed.
        params: of the factorisation.
        content: factorised with the same factors of the movies.
        content_weight: of its squared errors.
    """
    ratings = inputs.ratings
    rows, column = np.unique(ratings.movie_row, return_inverse=True)
    _, user = np.unique(ratings.user, return_inverse=True)
    model = import_module("cmfrec").CMF_implicit(
        k=params.factors, lambda_=params.l2, alpha=params.alpha, niter=params.iterations, use_float=False,
        w_item=content_weight, nthreads=1, random_state=inputs.seed % 2**31, verbose=False,
    )  # fmt: skip
    watched = coo_matrix((np.ones(len(user)), (user, column)))
    model.fit(watched, I=None if content is None else content[rows])
    factors = np.zeros((ratings.n_movies, params.factors))
    factors[rows] = model.B_
    gram = model.B_.T @ model.B_ + params.l2 * np.eye(params.factors)
    if content is not None:
        for row in np.setdiff1d(np.arange(ratings.n_movies), rows):
            factors[row] = model.item_factors_cold(I=content[row])
    return IalsRanker(factors, gram, params.alpha)

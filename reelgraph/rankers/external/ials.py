"""Peer: iALS, matrix factorisation of who watched what, by cmfrec (Hu, Koren & Volinsky 2008)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module

import numpy as np
from jaxtyping import Float, Float32, Float64
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
    """Y: factors of the movies; 0 without ratings."""
    l2: float
    alpha: float

    @cached_property
    def _gram(self) -> Float64[np.ndarray, "factors factors"]:
        return self.factors.T @ self.factors + self.l2 * np.eye(self.factors.shape[1])

    def score(self, query: RankingQuery) -> Float32[np.ndarray, " movies"]:
        """Return the score of each movie."""
        return (self.factors @ self._weigh_history(query).sum(axis=1)).astype(np.float32)

    def contributions(self, query: RankingQuery, movie: int) -> Float[np.ndarray, " history"]:
        """Return the summand of each movie of the history."""
        return self.factors[movie] @ self._weigh_history(query)

    def _weigh_history(self, query: RankingQuery) -> Float64[np.ndarray, "factors history"]:
        """Return what each movie of the history adds to the user's factors."""
        watched = self.factors[query.history]
        normal = self._gram + self.alpha * watched.T @ watched
        return np.linalg.solve(normal, (1 + self.alpha) * watched.T)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return factors and weights."""
        return {"factors": self.factors, "l2": np.array(self.l2), "alpha": np.array(self.alpha)}


def restore(arrays: Mapping[str, np.ndarray]) -> IalsRanker:
    """Build the ranker from its ``arrays``."""
    return IalsRanker(arrays["factors"], float(arrays["l2"]), float(arrays["alpha"]))


def fit(inputs: RankerInputs, params: Params) -> IalsRanker:
    """Fit the factors; cmfrec must be installed."""
    ratings = inputs.ratings
    rows, column = np.unique(ratings.movie_row, return_inverse=True)
    _, user = np.unique(ratings.user, return_inverse=True)
    model = import_module("cmfrec").CMF_implicit(
        k=params.factors, lambda_=params.l2, alpha=params.alpha, niter=params.iterations, use_float=False,
        nthreads=1, random_state=inputs.seed % 2**31, verbose=False,
    )  # fmt: skip
    model.fit(coo_matrix((np.ones(len(user)), (user, column))))
    factors = np.zeros((ratings.n_movies, params.factors))
    factors[rows] = model.B_
    return IalsRanker(factors, params.l2, params.alpha)

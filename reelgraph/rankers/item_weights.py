"""Rankers with one weight for each pair of movies: a score is a weighted sum over the history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Float32, Int64
from pydantic import Field
from scipy.linalg import LinAlgError, cho_factor, lapack
from scipy.sparse import csr_matrix

from reelgraph.params.base import Section
from reelgraph.rankers.ranker import FittedRatings, RankingQuery
from reelgraph.runtime.errors import TrainingError

NEGLIGIBLE = 1e-3
"""Ratings of a history with a lower weight than this fraction of the highest are not read."""


Matrix = Float32[np.ndarray, "frequent frequent"]


class DecayParams(Section):
    """Params of a ranker with item weights."""

    decay: float = Field(gt=0, le=1)
    """Weight of a rating of the history against that of the next newer one, above 0, at most 1."""


@dataclass(frozen=True)
class ItemWeightsRanker:
    """score(m) = Σ decay^age(h) · weight(h, m) over the movies h of the history; the last one has age 0."""

    movies: Int64[np.ndarray, " frequent"]
    """Ascending rows of the movies with weights; all others score 0."""
    weights: Float[np.ndarray, "frequent frequent"]
    """Weight of a history's movie (row) for a candidate (column)."""
    decay: float
    """Weight of a rating against that of the next newer one, above 0, at most 1."""
    n_movies: int

    def score(self, query: RankingQuery) -> Float32[np.ndarray, " movies"]:
        """Return the score of each movie."""
        _, position, decayed = self._read_history(query)
        scores = np.zeros(self.n_movies, np.float32)
        scores[self.movies] = decayed @ self.weights[position].astype(np.float32, copy=False)
        return scores

    def contributions(
        self, query: RankingQuery, movies: Int64[np.ndarray, " selected"]
    ) -> Float[np.ndarray, "selected history"]:
        """Return the summand of each movie of the history."""
        result = np.zeros((len(movies), len(query.history)), np.float32)
        column = self._position[movies]
        scored = np.flatnonzero(column >= 0)
        index, position, decayed = self._read_history(query)
        result[np.ix_(scored, index)] = decayed * self.weights[position, column[scored, None]]
        return result

    def arrays(self) -> dict[str, np.ndarray]:
        """Return rows, weights (in half precision) and decay."""
        return {
            "movies": self.movies,
            "weights": self.weights.astype(np.float16),
            "decay": np.array(self.decay),
            "n_movies": np.array(self.n_movies),
        }

    def _read_history(
        self, query: RankingQuery
    ) -> tuple[Int64[np.ndarray, " read"], Int64[np.ndarray, " read"], Float32[np.ndarray, " read"]]:
        """Return indices into the history, positions in ``movies``, and decayed weights."""
        decayed = query.decayed_weights(self.decay)
        position = self._position[query.history]
        index = np.flatnonzero((position >= 0) & (decayed >= NEGLIGIBLE * decayed.max(initial=0)))
        return index, position[index], decayed[index].astype(np.float32)

    @cached_property
    def _position(self) -> Int64[np.ndarray, " movies"]:
        """Position of each movie in ``movies``; −1 for others."""
        return positions(self.movies, self.n_movies)


def restore_item_weights(arrays: Mapping[str, np.ndarray]) -> ItemWeightsRanker:
    """Build the ranker from its ``arrays``."""
    return ItemWeightsRanker(
        arrays["movies"], arrays["weights"], float(arrays["decay"]), int(arrays["n_movies"])
    )


def positions(movies: Int64[np.ndarray, " frequent"], n_movies: int) -> Int64[np.ndarray, " movies"]:
    """Return the position of each movie row in ``movies``; −1 for others."""
    position = np.full(n_movies, -1, np.int64)
    position[movies] = np.arange(len(movies))
    return position


def watched_matrix(ratings: FittedRatings, movies: Int64[np.ndarray, " frequent"]) -> csr_matrix:
    """Return users × ``movies`` with 1 where the user has rated the movie."""
    position = positions(movies, ratings.n_movies)[ratings.movie_row]
    is_frequent = position >= 0
    users, number = np.unique(ratings.user, return_inverse=True)
    ones = np.ones(int(is_frequent.sum()), np.float32)
    return csr_matrix((ones, (number[is_frequent], position[is_frequent])), (len(users), len(movies)))


def cooccurrence_counts(ratings: FittedRatings, movies: Int64[np.ndarray, " frequent"]) -> Matrix:
    """Return the number of users who rated both movies; on the diagonal, who rated the movie."""
    watched = watched_matrix(ratings, movies)
    return (watched.T @ watched).toarray()


def penalized_cholesky(gram: Matrix, l2: float) -> Matrix:
    """Return the Cholesky factor of gram + l2 · I in the lower triangle; the upper one is arbitrary.

    Raises:
        TrainingError: the penalty is too small for the precision of the matrix.
    """
    penalized = gram + np.float32(l2) * np.eye(len(gram), dtype=np.float32)
    try:
        return cho_factor(penalized, lower=True, overwrite_a=True, check_finite=False)[0]
    except LinAlgError as error:
        raise TrainingError("the rankers' key l2", "a penalty that makes the regression solvable",
                            f"{l2:g}: {error}", "Raise it.") from None  # fmt: skip


def penalized_inverse(gram: Matrix, l2: float) -> Matrix:
    """Return (gram + l2 · I)⁻¹, from the Cholesky factor in half the time of a general inverse.

    Raises:
        TrainingError: as ``penalized_cholesky``.
    """
    lower, _ = lapack.spotri(penalized_cholesky(gram, l2), lower=1)
    return np.tril(lower) + np.tril(lower, -1).T

"""Rankers with one weight for each pair of movies: a score is a weighted sum over the history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Float16, Float32, Int64
from pydantic import Field
from scipy.sparse import csr_matrix

from reelgraph.core import lapack
from reelgraph.params.base import Section
from reelgraph.rankers.ranker import FittedRatings, RankingQuery
from reelgraph.runtime.errors import TrainingError

NEGLIGIBLE = 1e-3
"""Ratings of a history with a lower weight than this fraction of the highest are not read."""
SMALLEST_NORMAL = 2.0**-14
"""Smallest value that has all digits in half precision."""
BLOCK_SIZE = 1000
"""Rows and columns of a symmetric matrix that are computed or copied at a time."""

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
            "weights": _to_half_precision(self.weights),
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


def _to_half_precision(weights: Matrix) -> Float16[np.ndarray, "frequent frequent"]:
    """Return ``weights.astype(np.float16)`` in a quarter of its time.

    NumPy takes long for small values that it has to round, as each sets a flag of the processor. In half
    precision they are multiples of 2⁻²⁴. Adding and subtracting 0.75, whose last digit is that, rounds them.
    """
    result = np.empty(weights.shape, np.float16)
    last_digit = np.float32(0.75)
    for half, row in zip(result, weights, strict=True):
        half[:] = np.where(np.abs(row) < SMALLEST_NORMAL, (row + last_digit) - last_digit, row)
    return result


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
    return symmetric_product(watched, watched)


def symmetric_product(left: csr_matrix, right: csr_matrix) -> Matrix:
    """Return leftᵀ · right, of which it computes the blocks on and above the diagonal.

    Args:
        left: users × movies.
        right: users × movies, such that the product is symmetric.
    """
    n = left.shape[1]
    by_movie = left.T.tocsr()
    product = np.empty((n, n), np.float32)
    for start in range(0, n, BLOCK_SIZE):
        rows = slice(start, start + BLOCK_SIZE)
        product[rows, start:] = (by_movie[rows] @ right[:, start:]).toarray()
    _mirror(product)
    return product


def _mirror(matrix: Matrix) -> None:
    """Copy the triangle above the diagonal to that below it."""
    for start in range(0, len(matrix), BLOCK_SIZE):
        rows = slice(start, start + BLOCK_SIZE)
        block = matrix[rows, rows]
        block[:] = np.triu(block) + np.triu(block, 1).T
        end = start + BLOCK_SIZE
        for below in range(end, len(matrix), BLOCK_SIZE):
            columns = slice(below, below + BLOCK_SIZE)
            matrix[columns, rows] = matrix[rows, columns].T


def penalized_cholesky(gram: Matrix, l2: float) -> Matrix:
    """Return the Cholesky factor of gram + l2 · I in the lower triangle; the upper one is arbitrary.

    Raises:
        TrainingError: the penalty is too small for the precision of the matrix.
    """
    penalized = np.array(gram.T, np.float32, order="F")  # LAPACK's order; of a symmetric matrix a plain copy
    penalized.flat[:: len(gram) + 1] += np.float32(l2)
    if not lapack.factorize(penalized):
        raise TrainingError("the rankers' key l2", "a penalty that makes the regression solvable",
                            f"{l2:g}: the matrix is not positive definite", "Raise it.")  # fmt: skip
    return penalized


def penalized_inverse(gram: Matrix, l2: float) -> Matrix:
    """Return (gram + l2 · I)⁻¹, from the Cholesky factor in half the time of a general inverse.

    Its rows are contiguous.

    Raises:
        TrainingError: as ``penalized_cholesky``.
    """
    inverse = penalized_cholesky(gram, l2)
    lapack.invert_product(inverse)
    _mirror(inverse.T)
    return inverse.T


def inverse_diagonal(factor: Matrix) -> Float32[np.ndarray, " frequent"]:
    """Return the diagonal of the inverse, from the Cholesky factor in half the time of the whole inverse.

    Args:
        factor: as ``penalized_cholesky`` returns it; it is overwritten.
    """
    lapack.invert_triangle(factor)
    # With L⁻¹ in the lower triangle, the inverse is L⁻ᵀ · L⁻¹.
    return np.array([column[i:] @ column[i:] for i, column in enumerate(factor.T)], np.float32)


def solve_cholesky(
    factor: Matrix, right: Float32[np.ndarray, "frequent columns"]
) -> Float32[np.ndarray, "frequent columns"]:
    """Return (L · Lᵀ)⁻¹ · right. Its rows are contiguous: a ranker reads those of the history.

    Args:
        factor: L, as ``penalized_cholesky`` returns it.
        right: right-hand sides.
    """
    # The transposed equation, as LAPACK's order is that of columns.
    solution = np.array(right.T, np.float32, order="F")
    lapack.divide(solution, factor, transpose=True)
    lapack.divide(solution, factor)
    return solution.T

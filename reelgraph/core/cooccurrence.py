"""Movie vectors from co-occurrence: who rated what, whatever the stars."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float64, Int64
from scipy.sparse.linalg import svds
from threadpoolctl import threadpool_limits

USER_DAMPING = 20.0
"""Added to the number of a user's ratings in the weights."""
MOVIE_DAMPING = 10.0
"""Added to the number of a movie's ratings in the weights."""
SHRINKAGE = 0.3
"""Fraction of the median added to a vector's squared length: shortens vectors of movies with few ratings."""
TOLERANCE = 0.1
"""Relative error of the eigenvalues at which ARPACK may stop. Those of noise are too close to tell apart."""


def cooccurrence_vectors(
    user: Int64[np.ndarray, " ratings"],
    movie: Int64[np.ndarray, " ratings"],
    shape: tuple[int, int],
    dim: int,
) -> Float64[np.ndarray, "movies dim"]:
    """Return singular vectors of the damped, normalized user-movie indicator matrix.

    The first one, which is popularity, is left out. Columns beyond the matrix's rank are 0.

    Args:
        user: number of each rating's user.
        movie: row of its movie.
        shape: number of users and of movies.
        dim: number of columns.
    """
    n_users, n_movies = shape
    user_count = np.bincount(user, minlength=n_users)
    movie_count = np.bincount(movie, minlength=n_movies)
    weight = 1 / np.sqrt((user_count[user] + USER_DAMPING) * (movie_count[movie] + MOVIE_DAMPING))
    matrix = sp.csr_matrix((weight, (user, movie)), shape)
    result = np.zeros((n_movies, dim))
    rank = min(dim + 1, min(shape) - 1)
    if rank < 2:
        return result
    with threadpool_limits(1):
        _, singular_values, right = svds(matrix, k=rank, tol=TOLERANCE, v0=np.ones(min(shape)))
    order = np.argsort(-singular_values)[1:]
    vectors = right[order].T * np.sqrt(singular_values[order])
    # The sign of a singular vector is arbitrary: its largest entry is made positive.
    vectors *= np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(rank - 1)])
    squared_length = (vectors**2).sum(axis=1, keepdims=True)
    median = np.median(squared_length[movie_count > 0])
    result[:, : rank - 1] = vectors / np.sqrt(squared_length + SHRINKAGE * median + 1e-12)
    return result

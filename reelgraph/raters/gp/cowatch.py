"""Which movies the same people watch, whatever they thought of them."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float64
from scipy.sparse.linalg import svds
from threadpoolctl import threadpool_limits

from reelgraph.raters.gp.ratings import Ratings

USER_DAMPING, MOVIE_DAMPING = 20.0, 10.0
SHRINKAGE = 0.3
"""Of the median squared length: what makes vectors of movies that few watched short."""


def cowatch_vectors(ratings: Ratings, movies: int, dim: int) -> Float64[np.ndarray, "movies dim"]:
    """Singular vectors of who watched what, cosine-like; the first, which is popularity, is left out.

    Zeros fill the columns that small data cannot give.
    """
    users = len(ratings.offsets) - 1
    watched, active = np.bincount(ratings.movie, minlength=movies), np.diff(ratings.offsets)
    weight = 1 / np.sqrt((active[ratings.user] + USER_DAMPING) * (watched[ratings.movie] + MOVIE_DAMPING))
    table = sp.csr_matrix((weight, (ratings.user, ratings.movie)), (users, movies))
    found = np.zeros((movies, dim))
    rank = min(dim + 1, min(table.shape) - 1)
    if rank < 2:
        return found
    with threadpool_limits(1):
        _, value, right = svds(table, k=rank, v0=np.ones(min(table.shape)))
    order = np.argsort(-value)[1:]
    vectors = right[order].T * np.sqrt(value[order])
    vectors *= np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(rank - 1)])
    square = (vectors**2).sum(axis=1, keepdims=True)
    middle = np.median(square[watched > 0])
    found[:, : rank - 1] = vectors / np.sqrt(square + SHRINKAGE * middle + 1e-12)
    return found

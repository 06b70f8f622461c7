"""Movie vectors for each person that their own ratings have no part in.

A vector that was learned from a person's rating foretells that rating too well, and a process that
is learned on such vectors trusts them too much. So people are dealt into groups, and a group is
predicted with the vectors of the other groups' ratings. People who were not fitted on are predicted
with the vectors of everybody's.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
import torch
from jaxtyping import Float, Float64, Int64
from scipy.sparse.linalg import svds
from threadpoolctl import threadpool_limits
from torch import Tensor

from reelgraph.core.parallel import parallel_map
from reelgraph.core.seeds import derive_seed
from reelgraph.raters.gp.bayesian_mf import fit_bayesian_mf
from reelgraph.raters.gp.movie_content import MovieContent
from reelgraph.raters.gp.rating_table import RatingTable

FEWEST_GROUPS, MOST_GROUPS = 2, 10
RATINGS_TO_FIT = 5_000_000
"""In all groups together: of many ratings, half tell of a movie what can be told."""


class LatentFactors(NamedTuple):
    """One table a group of people, made without them; the last one of everybody's ratings."""

    vectors: Float[Tensor, "tables movies taste"]
    variance: Float[Tensor, "tables movies"]
    """Of a person's taste for the movie, that comes of not knowing its vector well; stars²."""


def fit_latent_factors(ratings: RatingTable, content: MovieContent, dim: int, seed: int) -> LatentFactors:
    """Factorise the ratings, without each group in turn and then as a whole."""
    groups = int(np.clip(RATINGS_TO_FIT // max(len(ratings.movie), 1), FEWEST_GROUPS, MOST_GROUPS))
    group, catalogue = assign_folds(ratings, groups + 1), content.design_matrix()

    def without(left_out: int) -> tuple[np.ndarray, np.ndarray]:
        rest = group != left_out
        return fit_bayesian_mf(
            ratings.user[rest], ratings.movie[rest], ratings.stars[rest], catalogue, dim,
            derive_seed(seed, f"gp/tastes/{left_out}"),
        )  # fmt: skip

    found = parallel_map(without, reversed(range(groups + 1)))  # all of them first: they take longest
    vectors, variance = zip(*reversed(found), strict=True)
    return LatentFactors(
        *(torch.from_numpy(np.stack(each).astype(np.float32)) for each in (vectors, variance))
    )


def assign_folds(ratings: RatingTable, tables: int) -> Int64[np.ndarray, " ratings"]:
    """Return the table that each rating's person is predicted with."""
    known = np.bincount(ratings.user, ratings.is_fitted, len(ratings.user_id)) > 0
    return np.where(known, ratings.user_id % (tables - 1), tables - 1)[ratings.user]


USER_DAMPING, MOVIE_DAMPING = 20.0, 10.0
SHRINKAGE = 0.3
"""Of the median squared length: what makes vectors of movies that few watched short."""


def cooccurrence_vectors(ratings: RatingTable, movies: int, dim: int) -> Float64[np.ndarray, "movies dim"]:
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

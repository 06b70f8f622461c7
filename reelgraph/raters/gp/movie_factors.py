"""Latent factors of the movies, cross-fitted.

Latent factors that were fitted on a user's ratings predict these ratings too well, and a Gaussian process
trained on such factors trusts them too much. So the users are split into folds, and a fold is predicted with
the factors of the other folds' ratings (out-of-fold, or cross-fitted, factors). Users whose ratings were not
fitted on are predicted with the factors of all ratings.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
import torch
from jaxtyping import Float, Float64, Int64, UInt64
from torch import Tensor

from reelgraph.core.parallel import parallel_map
from reelgraph.core.seeds import derive_seed
from reelgraph.core.torch_setup import CPU
from reelgraph.raters.gp.bayesian_mf import fit_bayesian_mf
from reelgraph.raters.gp.rating_table import RatingTable

MIN_FOLDS = 5
MAX_FOLDS = 10
RATINGS_TO_FIT = 10_000_000
"""Number of ratings in all folds together, above the minimum of folds."""
MIN_LATENT_DIM = 8
MAX_PRODUCTS = 600_000_000
"""Largest number of ratings times the square of the dimension of the factorization, which takes this time."""


class LatentFactors(NamedTuple):
    """One set of factors per fold of users, fitted without them, and last the factors of all ratings."""

    vectors: Float[Tensor, "folds movies latent"]
    variance: Float[Tensor, "folds movies"]
    """Variance of a rating from the uncertainty of the movie's vector, stars²."""


def fit_latent_factors(
    ratings: RatingTable,
    design_matrix: sp.csr_matrix,
    dim: int,
    seed: int,
    device: torch.device = CPU,
) -> LatentFactors:
    """Fit the Bayesian matrix factorization without each fold in turn, and on all ratings.

    Args:
        ratings: the ratings to fit on.
        design_matrix: features of the movies that the prior of their factors is a regression on.
        dim: largest number of latent factors; see ``choose_latent_dim``.
        seed: root seed.
        device: see ``fit_bayesian_mf``; the factors are returned on the CPU.
    """
    n_factors = choose_latent_dim(len(ratings.movie), design_matrix.shape[0], dim)
    n_folds = int(np.clip(RATINGS_TO_FIT // max(len(ratings.movie), 1), MIN_FOLDS, MAX_FOLDS))
    fold = assign_folds(ratings, n_folds + 1)

    def fit_without(excluded: int) -> tuple[Float64[np.ndarray, "movies _"], Float64[np.ndarray, " movies"]]:
        selection = fold != excluded
        return fit_bayesian_mf(
            ratings.user[selection],
            ratings.movie[selection],
            ratings.stars[selection],
            design_matrix,
            n_factors,
            derive_seed(seed, f"gp/tastes/{excluded}"),
            device,
        )

    # The fit on all ratings comes first, as it takes longest.
    results = parallel_map(fit_without, reversed(range(n_folds + 1)))
    vectors = np.stack([fit[0] for fit in reversed(results)]).astype(np.float32)
    variance = np.stack([fit[1] for fit in reversed(results)]).astype(np.float32)
    return LatentFactors(torch.from_numpy(vectors), torch.from_numpy(variance))


def choose_latent_dim(n_ratings: int, n_movies: int, largest: int) -> int:
    """Return the number of latent factors: at most as many as a movie has ratings on average.

    Of these, the factorization shrinks to zero those that explain nothing. More ratings than can be fitted in
    the time reduce the number again, but not below ``MIN_LATENT_DIM``.

    Args:
        n_ratings: number of ratings to fit on.
        n_movies: number of movies.
        largest: upper limit.
    """
    supported = min(n_ratings // n_movies, math.isqrt(MAX_PRODUCTS // max(n_ratings, 1)))
    return min(largest, max(MIN_LATENT_DIM, supported))


def assign_folds(ratings: RatingTable, n_sets: int) -> Int64[np.ndarray, " ratings"]:
    """Return the set of latent factors that predicts each rating's user.

    Args:
        ratings: the ratings.
        n_sets: number of sets of factors; the last one is for users without fitted ratings.
    """
    has_fitted = np.bincount(ratings.user, ratings.is_fitted, len(ratings.user_id)) > 0
    last = n_sets - 1
    fold = (_mix_bits(ratings.user_id) % np.uint64(last)).astype(np.int64)
    return np.where(has_fitted, fold, last)[ratings.user]


def _mix_bits(ids: Int64[np.ndarray, " users"]) -> UInt64[np.ndarray, " users"]:
    """Return a hash of each id, as ids may share a remainder: SplitMix64 (Steele, Lea & Flood 2014)."""
    x = ids.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))

"""Bayesian matrix factorization of the ratings, whose prior of the movie factors is a regression on features.

A rating is μ + b_user + c_movie + u·v + noise, with Gaussian priors u ~ N(0, I), b ~ N(0, σ_b²) and
(v, c) ~ N(x W, diag λ⁻¹), where x is the movie's row of the design matrix. The posterior is approximated by
a product of one Gaussian per user and one per movie, updated alternately (mean-field variational Bayes; Lim &
Teh 2007, "Variational Bayesian approach to movie rating prediction"). Variances and W maximize the evidence
lower bound (empirical Bayes).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
import torch
from jaxtyping import Bool, Float32, Float64, Int32, Int64
from torch import Tensor
from torch.nn.functional import embedding_bag

from reelgraph.core.torch_setup import CPU
from reelgraph.raters.gp.principal_factors import damped_row_means, principal_factors

MAX_ITERATIONS = 12
MIN_ITERATIONS = 6
MAX_RATINGS = 6_000_000
"""Largest number of ratings read in all iterations together, above the minimum of iterations."""
WEIGHT_DAMPING = 20.0
"""L2 penalty of W, in movies."""
CG_STEPS = 8
"""Conjugate gradient steps for W per iteration; the next iteration starts from their result."""
BLOCK_SIZE = 128
"""Users or movies whose posteriors are computed at a time."""
MIN_VARIANCE = 1e-6
MIN_NOISE_VARIANCE = 0.01

Matrix = Float64[np.ndarray, "factors factors"]


class GaussianFactors(NamedTuple):
    """Gaussian posteriors of the users' vectors (u, b, 1), or of the movies' (v, 1, c)."""

    mean: Float64[np.ndarray, "n dim"]
    covariance: Float64[np.ndarray, "n dim dim"]

    def second_moment(self) -> Float32[np.ndarray, "n triangle"]:
        """Return the upper triangle of E[x xᵀ], row by row; float32, as its sums take most of the time."""
        row, column = np.triu_indices(self.mean.shape[1])
        moment = np.empty((len(self.mean), len(row)), np.float32)
        for start in range(0, len(moment), BLOCK_SIZE):
            block = slice(start, start + BLOCK_SIZE)
            mean = self.mean[block]
            moment[block] = mean[:, row] * mean[:, column] + self.covariance[block, row, column]
        return moment

    def rotated(self, matrix: Matrix) -> GaussianFactors:
        """Multiply the factors by a matrix; the last two columns stay."""
        full = np.eye(self.mean.shape[1])
        full[: len(matrix), : len(matrix)] = matrix
        return GaussianFactors(self.mean @ full.T, full @ self.covariance @ full.T)


class Indicator(NamedTuple):
    """A sparse matrix of ones in compressed rows, on the device where it is multiplied."""

    columns: Int32[Tensor, " ratings"]
    offsets: Int32[Tensor, " rows_plus_1"]

    def __matmul__(self, rows: Float32[np.ndarray, "columns dim"]) -> Float32[np.ndarray, "n dim"]:
        """Return the sum of the rows that each row of the matrix marks; SciPy's takes about twice as long."""
        table = torch.from_numpy(rows).to(self.columns.device)
        sums = embedding_bag(self.columns, table, self.offsets, mode="sum", include_last_offset=True)
        return sums.cpu().numpy()


class SparseRatings(NamedTuple):
    """Ratings minus their mean as sparse matrices, and which ratings there are."""

    values: sp.csr_matrix
    """Users × movies, stars."""
    values_by_movie: sp.csr_matrix
    """Transposed."""
    indicator: Indicator
    """Users × movies, 1 for each rating."""
    indicator_by_movie: Indicator
    """Transposed."""


@dataclass
class FactorizationState:
    """What the iterations update."""

    movies: GaussianFactors
    user_moment: Matrix
    """Mean of E[x xᵀ] over the users."""
    weights: Float64[np.ndarray, "features columns"]
    """W: regression weights of the factors, and of c."""
    precision: Float64[np.ndarray, " columns"]
    """λ: prior precision of the factors, and of c."""
    user_precision: float = 1 / 0.15
    """1 / σ_b²."""
    noise_variance: float = 0.8

    @property
    def n_factors(self) -> int:
        """Dimension of u and v."""
        return len(self.precision) - 1


def fit_bayesian_mf(
    user: Int64[np.ndarray, " ratings"],
    movie: Int64[np.ndarray, " ratings"],
    stars: Float64[np.ndarray, " ratings"],
    design_matrix: sp.csr_matrix,
    n_factors: int,
    seed: int,
    device: torch.device = CPU,
) -> tuple[Float64[np.ndarray, "movies factors"], Float64[np.ndarray, " movies"]]:
    """Fit the factorization.

    Args:
        user: row of each rating's user, ascending; some users may have no rating.
        movie: row of its movie in ``design_matrix``. A user may rate a movie several times.
        stars: the ratings.
        design_matrix: features of the movies, such as their content.
        n_factors: dimension of v.
        seed: of the initial movie factors.
        device: where second moments are summed over the ratings, which takes most of the time.

    Returns:
        The posterior mean of each movie's v, and the variance of u·v that follows from its covariance.
    """
    n_movies = design_matrix.shape[0]
    if not len(stars):
        return np.zeros((n_movies, n_factors)), np.zeros(n_movies)
    deviation = stars - stars.mean()
    offsets = np.append(0, np.bincount(user).cumsum())
    # From rows and columns, SciPy would add up several ratings of one movie.
    shape = (len(offsets) - 1, n_movies)
    values = sp.csr_matrix((deviation, movie.astype(np.int32), offsets.astype(np.int32)), shape)
    values_by_movie = values.T.tocsr()
    ratings = SparseRatings(
        values, values_by_movie, _indicator(values, device), _indicator(values_by_movie, device)
    )
    is_rated = np.diff(values_by_movie.indptr) > 0
    total_square = (deviation**2).sum()
    state = _initial_state(ratings, design_matrix.shape[1], n_factors, seed)
    n_iterations = int(np.clip(MAX_RATINGS // len(stars), MIN_ITERATIONS, MAX_ITERATIONS))
    for _ in range(n_iterations):
        _fit_weights(state, design_matrix, is_rated)
        explained = _vb_step(state, ratings, design_matrix)
        _rotate_to_principal_axes(state)
        mean_squared_error = float(total_square - explained) / len(deviation)
        _fit_variances(state, design_matrix, is_rated, mean_squared_error)
    covariance = state.movies.covariance[:, :n_factors, :n_factors]
    return state.movies.mean[:, :n_factors], np.einsum("nii->n", covariance)


def _indicator(values: sp.csr_matrix, device: torch.device) -> Indicator:
    """Return ones where the matrix has entries."""
    return Indicator(torch.from_numpy(values.indices).to(device), torch.from_numpy(values.indptr).to(device))


def _initial_state(ratings: SparseRatings, n_features: int, n_factors: int, seed: int) -> FactorizationState:
    """Return the damped means of the movies, and factors near the principal axes of the residuals."""
    n_movies = ratings.values.shape[1]
    dim = n_factors + 2
    movie_mean = np.ones((n_movies, dim))
    movie_mean[:, -1] = damped_row_means(ratings.values_by_movie)
    movie_mean[:, :n_factors] = principal_factors(ratings.values, movie_mean[:, -1], n_factors, seed)
    movie_covariance = np.zeros((n_movies, dim, dim))
    movie_covariance[:, range(n_factors), range(n_factors)] = 0.01
    return FactorizationState(
        movies=GaussianFactors(movie_mean, movie_covariance),
        user_moment=np.eye(dim),
        weights=np.zeros((n_features, n_factors + 1)),
        precision=np.append(np.full(n_factors, 20.0), 5.0),
    )


def _vb_step(state: FactorizationState, ratings: SparseRatings, design_matrix: sp.csr_matrix) -> float:
    """Update the users' posteriors given the movies', then the movies' given the users'.

    Returns:
        By how much the ratings' expected squared errors are below their squares, as a sum.
    """
    n_factors = state.n_factors
    row, column = np.triu_indices(n_factors + 2)
    n_users = ratings.values.shape[0]
    user_mean = np.empty((n_users, n_factors + 2))
    user_moments = np.empty((n_users, len(row)), np.float32)
    for block, users in _posteriors(
        moment_sum=ratings.indicator @ state.movies.second_moment(),
        weighted_sum=ratings.values @ state.movies.mean,
        free=[*range(n_factors + 1)],
        fixed=n_factors + 1,
        prior_precision=np.append(np.ones(n_factors), state.user_precision),
        prior_mean=np.zeros((n_users, n_factors + 1)),
        noise_variance=state.noise_variance,
    ):
        user_mean[block] = users.mean
        user_moments[block] = users.second_moment()
    state.user_moment[row, column] = user_moments.mean(axis=0, dtype=np.float64)
    state.user_moment[column, row] = state.user_moment[row, column]
    moment_sum = ratings.indicator_by_movie @ user_moments
    weighted_sum = ratings.values_by_movie @ user_mean
    state.movies = GaussianFactors(*(np.empty_like(part) for part in state.movies))
    for block, movies in _posteriors(
        moment_sum=moment_sum,
        weighted_sum=weighted_sum,
        free=[*range(n_factors), n_factors + 1],
        fixed=n_factors,
        prior_precision=state.precision,
        prior_mean=design_matrix @ state.weights,
        noise_variance=state.noise_variance,
    ):
        state.movies.mean[block] = movies.mean
        state.movies.covariance[block] = movies.covariance
    moments = (moment_sum * state.movies.second_moment()).sum(axis=0, dtype=np.float64)
    expected_square = moments @ np.where(row == column, 1.0, 2.0)
    return float(2 * (weighted_sum * state.movies.mean).sum() - expected_square)


def _posteriors(
    moment_sum: Float32[np.ndarray, "n triangle"],
    weighted_sum: Float64[np.ndarray, "n dim"],
    free: list[int],
    fixed: int,
    prior_precision: Float64[np.ndarray, " columns"],
    prior_mean: Float64[np.ndarray, "n columns"],
    noise_variance: float,
) -> Iterator[tuple[slice, GaussianFactors]]:
    """Yield the Gaussians of the free columns given the other side's posteriors; the fixed column is 1.

    They come in blocks of rows, whose matrices stay in the processor's cache.

    Args:
        moment_sum: sums of E[y yᵀ] over the ratings of each row, where y is the other side's vector.
        weighted_sum: sums of rating · E[y].
        free: columns to update.
        fixed: the column that is 1.
        prior_precision: of the free columns.
        prior_mean: of the free columns.
        noise_variance: of a rating, stars².
    """
    n, dim = weighted_sum.shape
    row, column = np.triu_indices(dim)
    position = np.zeros((dim, dim), np.int64)
    position[row, column] = np.arange(len(row))
    position[column, row] = np.arange(len(row))
    free_row, free_column = np.ix_(free, free)
    for start in range(0, n, BLOCK_SIZE):
        block = slice(start, min(start + BLOCK_SIZE, n))
        moments = moment_sum[block].astype(np.float64)
        precision = moments[:, position[free_row, free_column]] / noise_variance + np.diag(prior_precision)
        free_covariance = np.linalg.inv(precision)
        shift = (weighted_sum[block, free] - moments[:, position[free, fixed]]) / noise_variance
        shift = shift + prior_mean[block] * prior_precision
        mean = np.ones((len(moments), dim))
        mean[:, free] = np.einsum("nij,nj->ni", free_covariance, shift)
        covariance = np.zeros((len(moments), dim, dim))
        covariance[:, free_row, free_column] = free_covariance
        yield block, GaussianFactors(mean, covariance)


def _fit_weights(
    state: FactorizationState, design_matrix: sp.csr_matrix, is_rated: Bool[np.ndarray, " movies"]
) -> None:
    """Continue the ridge regression of the rated movies' vectors on their features by conjugate gradients."""
    x = design_matrix[is_rated]
    y = np.delete(state.movies.mean[is_rated], -2, axis=1)
    weights = state.weights
    residual = x.T @ (y - x @ weights) - WEIGHT_DAMPING * weights
    direction = residual.copy()
    square = (residual**2).sum(axis=0)
    for _ in range(CG_STEPS):
        product = x.T @ (x @ direction) + WEIGHT_DAMPING * direction
        step = square / np.maximum((direction * product).sum(axis=0), 1e-30)
        weights = weights + step * direction
        residual = residual - step * product
        previous_square = square
        square = (residual**2).sum(axis=0)
        direction = residual + square / np.maximum(previous_square, 1e-30) * direction
    state.weights = weights


def _rotate_to_principal_axes(state: FactorizationState) -> None:
    """Transform the factors so that the users' are white and the movies' lie along principal axes.

    It changes no u·v, and saves hundreds of iterations. The next one computes the users' factors anew.
    """
    n_factors = state.n_factors
    root = np.linalg.cholesky(state.user_moment[:n_factors, :n_factors])
    movie_mean = state.movies.mean[:, :n_factors]
    movie_moment = movie_mean.T @ movie_mean / len(movie_mean)
    movie_moment += state.movies.covariance[:, :n_factors, :n_factors].mean(axis=0)
    _, axes = np.linalg.eigh(root.T @ movie_moment @ root)
    movie_rotation = axes.T @ root.T
    state.movies = state.movies.rotated(movie_rotation)
    factor_weights = state.weights[:, :n_factors] @ movie_rotation.T
    state.weights = np.column_stack([factor_weights, state.weights[:, n_factors]])


def _fit_variances(
    state: FactorizationState,
    design_matrix: sp.csr_matrix,
    is_rated: Bool[np.ndarray, " movies"],
    mean_squared_error: float,
) -> None:
    """Set the variances to those that maximize the evidence lower bound."""
    n_factors = state.n_factors
    free = [*range(n_factors), n_factors + 1]
    movies = state.movies
    residual = movies.mean[:, free] - design_matrix @ state.weights
    variance = (residual**2 + movies.covariance[:, free, free])[is_rated].mean(axis=0)
    state.precision = 1 / np.maximum(variance, MIN_VARIANCE)
    state.user_precision = 1 / max(float(state.user_moment[n_factors, n_factors]), MIN_VARIANCE)
    state.noise_variance = max(mean_squared_error, MIN_NOISE_VARIANCE)

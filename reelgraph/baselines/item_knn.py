"""Baseline: item-based nearest neighbours on the residuals of the biases.

The neighbourhood model of Koren 2008, "Factorization meets the neighborhood", section 2.2. It is implemented
here on SciPy because the libraries do not fit: LensKit needs an older pandas, Surprise a dense matrix of
movies × movies. Similarities are computed for a batch of target movies at a time, so memory grows with the
number of movies.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64, Int32, Int64
from pydantic import Field
from scipy.sparse import csc_matrix, csr_matrix

from reelgraph.baselines.biases import (
    BiasParams,
    fit_biases,
    residuals,
    training_matrix,
    user_biases_from_history,
)
from reelgraph.core.rating_scale import MAX_STARS, MIN_STARS
from reelgraph.sequences.dataset import UserHistories

MAX_SIMILARITIES = 1 << 22
"""Similarities in memory at a time."""


class Params(BiasParams):
    """Parameters of the baseline."""

    neighbours: int = Field(ge=1)
    """Most similar movies of the history that count, 1 or more."""

    shrinkage: float = Field(ge=0)
    """Common users at which a similarity is halved, 0 or more."""

    damping: float = Field(gt=0)
    """Summed similarity that a prior deviation of 0 counts as, above 0."""


class ResidualMatrices(NamedTuple):
    """Residuals of the fitted rows, users × movies, in both sparse layouts."""

    by_user: csr_matrix
    by_movie: csc_matrix


def predict(
    histories: UserHistories,
    fit_end: Int64[np.ndarray, " users"],
    index: Int64[np.ndarray, " n"],
    params: Params,
) -> Float[np.ndarray, " n"]:
    """Predict the ratings at ``index`` from all ratings of their histories, in stars."""
    if not len(index):
        return np.zeros(0)
    biases = fit_biases(histories, fit_end, params.movie_damping, params.user_damping)
    residual = residuals(histories, biases)
    user_bias = user_biases_from_history(histories, residual, index, params.user_damping)
    user = histories.users_of(np.arange(len(residual)))
    by_user = training_matrix(histories, fit_end, residual - biases.user[user])
    matrices = ResidualMatrices(by_user, by_user.tocsc())
    movie = histories.movie_row[index]
    starts, ends = histories.history_bounds(index)
    deviation = np.zeros(len(index))
    target_movies = np.unique(movie)
    n_batches = -(-len(target_movies) * by_user.shape[1] // MAX_SIMILARITIES)
    for batch in np.array_split(target_movies, n_batches):
        similarity = similarities(matrices, batch, params.shrinkage)
        for i in np.flatnonzero((movie >= batch[0]) & (movie <= batch[-1])):
            history = slice(starts[i], ends[i])
            weight = similarity[np.searchsorted(batch, movie[i]), histories.movie_row[history]]
            deviation[i] = _neighbour_mean(weight, residual[history] - user_bias[i], params)
    return (biases.mean + biases.movie[movie] + user_bias + deviation).clip(MIN_STARS, MAX_STARS)


def similarities(
    matrices: ResidualMatrices, movies: Int32[np.ndarray, " batch"], shrinkage: float
) -> Float64[np.ndarray, "batch movies"]:
    """Return the shrunk cosine similarity of some movies to all movies.

    The cosine is taken over the users who rated both movies, n of them, and multiplied by
    n / (n + shrinkage). It is 0 where n is 0.
    """
    rows = matrices.by_movie[:, movies].T.tocsr()
    columns = matrices.by_user
    n_common = (_elementwise_power(rows, 0) @ _elementwise_power(columns, 0)).toarray()
    product = (rows @ columns).toarray()
    row_norms = (_elementwise_power(rows, 2) @ _elementwise_power(columns, 0)).toarray()
    column_norms = (_elementwise_power(rows, 0) @ _elementwise_power(columns, 2)).toarray()
    norms = row_norms * column_norms
    cosine = np.divide(product, np.sqrt(norms), out=np.zeros_like(product), where=norms > 0)
    return cosine * n_common / np.maximum(n_common + shrinkage, 1)


def _elementwise_power(matrix: csr_matrix, power: int) -> csr_matrix:
    """Raise the stored values to a power; stored zeros stay stored, because they are ratings too."""
    return csr_matrix((matrix.data**power, matrix.indices, matrix.indptr), matrix.shape)


def _neighbour_mean(
    weight: Float64[np.ndarray, " history"], residual: Float64[np.ndarray, " history"], params: Params
) -> float:
    """Return the damped mean of the residuals, weighted by similarity; negative similarities count as 0."""
    nearest = np.argsort(-weight, kind="stable")[: params.neighbours]
    weight = np.maximum(weight[nearest], 0)
    residual = residual[nearest]
    return float(weight @ residual / (weight.sum() + params.damping))

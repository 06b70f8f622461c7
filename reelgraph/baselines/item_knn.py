"""Baseline: damped effects, and what the person left of them on movies that people rate alike.

The item-based neighbourhood model (Koren 2008, "Factorization meets the neighborhood", section 2.2). Written
here on SciPy, since the libraries that have it don't fit: LensKit wants an older pandas, Surprise a dense
matrix of movies × movies. Similarities are taken for some target movies at a time, so memory grows with
the movies.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64, Int32, Int64
from pydantic import Field
from scipy.sparse import csc_matrix, csr_matrix

from reelgraph.baselines.biases import fit_biases, residuals, training_matrix, user_biases_from_history
from reelgraph.core.rating_scale import MAX_STARS, MIN_STARS
from reelgraph.params.base import Section
from reelgraph.sequences.dataset import UserHistories

CELLS = 1 << 22
"""Similarities in memory at a time."""


class Params(Section):
    """Numbers of the baseline."""

    movie_damping: float = Field(gt=0)
    """Ratings that a movie's effect of 0 is worth beforehand, above 0."""

    user_damping: float = Field(gt=0)
    """The same of a person's."""

    neighbours: int = Field(ge=1)
    """Most similar movies of the history that count, 1 or more."""

    shrinkage: float = Field(ge=0)
    """People in common at which a similarity counts half, 0 or more."""

    damping: float = Field(gt=0)
    """Summed similarity that an effect of 0 is worth beforehand, above 0."""


class ResidualMatrices(NamedTuple):
    """What the biases leave of the rows that are fitted on, users × movies, and the same by movie."""

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
    fitted = fit_biases(histories, fit_end, params.movie_damping, params.user_damping)
    residual = residuals(histories, fitted)
    person = user_biases_from_history(histories, residual, index, params.user_damping)
    by_user = training_matrix(
        histories, fit_end, residual - fitted.user[histories.users_of(np.arange(len(residual)))]
    )
    left, movie = ResidualMatrices(by_user, by_user.tocsc()), histories.movie_row[index]
    effect, wanted = np.zeros(len(index)), np.unique(movie)
    for some in np.array_split(wanted, -(-len(wanted) * by_user.shape[1] // CELLS)):
        alike = similarities(left, some, params.shrinkage)
        for i in np.flatnonzero((movie >= some[0]) & (movie <= some[-1])):
            history = _history(histories, index[i])
            weight = alike[np.searchsorted(some, movie[i]), histories.movie_row[history]]
            effect[i] = _mean_of_nearest(weight, residual[history] - person[i], params)
    return (fitted.mean + fitted.movie[movie] + person + effect).clip(MIN_STARS, MAX_STARS)


def similarities(
    left: ResidualMatrices, movies: Int32[np.ndarray, " some"], shrinkage: float
) -> Float64[np.ndarray, "some movies"]:
    """Return the cosine over the people who rated both, times n / (n + shrinkage), n of them; 0 for n = 0."""
    mine, all_ = left.by_movie[:, movies].T.tocsr(), left.by_user
    both = (_powers(mine, 0) @ _powers(all_, 0)).toarray()
    product = (mine @ all_).toarray()
    norms = (_powers(mine, 2) @ _powers(all_, 0)).toarray() * (_powers(mine, 0) @ _powers(all_, 2)).toarray()
    known = norms > 0
    cosine = np.divide(product, np.sqrt(norms), out=np.zeros_like(product), where=known)
    return cosine * both / np.maximum(both + shrinkage, 1)


def _powers(matrix: csr_matrix, power: int) -> csr_matrix:
    """Return the stored values raised to a power; those that are 0 stay stored, and count as rated."""
    return csr_matrix((matrix.data**power, matrix.indices, matrix.indptr), matrix.shape)


def _history(histories: UserHistories, target: np.int64) -> slice:
    at = np.array([target])
    return slice(int(histories.offsets[histories.users_of(at)][0]), int(histories.history_end(at)[0]))


def _mean_of_nearest(
    weight: Float64[np.ndarray, " history"], residual: Float64[np.ndarray, " history"], params: Params
) -> float:
    """Damped mean of the residuals, weighted by similarity; what is rated the opposite way doesn't count."""
    nearest = np.argsort(-weight, kind="stable")[: params.neighbours]
    weight, residual = np.maximum(weight[nearest], 0), residual[nearest]
    return float(weight @ residual / (weight.sum() + params.damping))

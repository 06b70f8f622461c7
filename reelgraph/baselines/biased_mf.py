"""Baseline: damped effects, and a factorisation of what they leave and of who rated what.

Ratings less their biases R ≈ P·Qᵀ, and at the same time who rated what, 1 or 0, B ≈ P·Sᵀ and B ≈ W·Qᵀ, with a
weight: biased matrix factorisation with implicit features (Singh and Gordon 2008; Cortes 2018, "Cold-start
recommendations in collective matrix factorization"), by alternating least squares. Written here, since the
libraries that have it don't fit: cmfrec needs a compiler, LensKit an older pandas, Surprise's SVD++ takes a
minute on 100,000 ratings. And so a person's factors are solved from their history at each target, as the
rater sees it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64, Int64
from pydantic import Field
from scipy.sparse import csr_matrix

from reelgraph.baselines.biases import fit_biases, residuals, training_matrix, user_biases_from_history
from reelgraph.core.rating_scale import MAX_STARS, MIN_STARS
from reelgraph.core.seeds import generator
from reelgraph.params.base import Section, Seed
from reelgraph.sequences.dataset import UserHistories

START = 0.1
"""Standard deviation of the movies' factors at the start."""


class Params(Section):
    """Numbers of the baseline."""

    movie_damping: float = Field(gt=0)
    """Ratings that a movie's effect of 0 is worth beforehand, above 0."""

    user_damping: float = Field(gt=0)
    """The same of a person's."""

    factors: int = Field(ge=1, le=1024)
    """Dimensions, 1 to 1024."""

    l2: float = Field(gt=0)
    """Weight of the squared factors, above 0."""

    implicit_weight: float = Field(ge=0)
    """Weight of who rated what against the ratings, 0 (not used) or more."""

    iterations: int = Field(ge=1)
    """Passes of alternating least squares, 1 or more."""

    seed: Seed
    """Seed of the start."""


class ItemFactors(NamedTuple):
    """What is learned of the movies: how they are rated (Q), and by whom (S)."""

    explicit: Float64[np.ndarray, "movies factors"]
    implicit: Float64[np.ndarray, "movies factors"]


def predict(
    histories: UserHistories,
    fit_end: Int64[np.ndarray, " users"],
    index: Int64[np.ndarray, " n"],
    params: Params,
) -> Float[np.ndarray, " n"]:
    """Predict the ratings at ``index`` from all ratings of their histories, in stars."""
    fitted = fit_biases(histories, fit_end, params.movie_damping, params.user_damping)
    residual, movie = residuals(histories, fitted), histories.movie_row[index]
    user = histories.users_of(np.arange(len(residual)))
    learned = fit_als(training_matrix(histories, fit_end, residual - fitted.user[user]), params)
    person = user_biases_from_history(histories, residual, index, params.user_damping)
    rows = _of_histories(histories, index, residual, person, len(learned.explicit))
    taste = _solve(rows, learned.explicit, learned.implicit, _ones(rows) @ learned.implicit, params)
    effect = np.einsum("nk,nk->n", taste, learned.explicit[movie])
    return (fitted.mean + fitted.movie[movie] + person + effect).clip(MIN_STARS, MAX_STARS)


def fit_als(left: csr_matrix, params: Params) -> ItemFactors:
    """Learn the movies' factors from what the biases leave, users × movies; a stored 0 is a rating too."""
    users, movies = left.shape
    by_movie, size = left.T.tocsr(), params.factors
    who = _ones(left)
    rated = generator(params.seed, "biased_mf").normal(0, START, (movies, size))
    seen, active = np.zeros((movies, size)), np.zeros((users, size))
    for _ in range(params.iterations):
        people = _solve(left, rated, seen, who @ seen, params)
        seen = _implicit(people, who.T @ people, params)
        rated = _solve(by_movie, people, active, who.T @ active, params)
        active = _implicit(rated, who @ rated, params)
    return ItemFactors(rated, seen)


def _solve(
    values: csr_matrix,
    known: Float64[np.ndarray, "columns factors"],
    other: Float64[np.ndarray, "columns factors"],
    summed: Float64[np.ndarray, "solved factors"],
    params: Params,
) -> Float64[np.ndarray, "solved factors"]:
    """Return of each row of ``values`` the factors that fit it best, given those of the columns.

    Args:
        values: what is fitted, where it is stored.
        known: factors of the columns.
        other: their factors for who rated what.
        summed: of each row, the sum of ``other`` over its stored columns.
        params: ridge and weight.
    """
    common = params.l2 * np.eye(params.factors) + params.implicit_weight * (other.T @ other)
    found = np.empty_like(summed)
    # A row at a time: its product is faster than sums over all rows' outer products.
    for row, (start, end) in enumerate(zip(values.indptr[:-1], values.indptr[1:], strict=True)):
        mine = known[values.indices[start:end]]
        target = params.implicit_weight * summed[row] + values.data[start:end] @ mine
        found[row] = np.linalg.solve(common + mine.T @ mine, target)
    return found


def _implicit(
    known: Float64[np.ndarray, "columns factors"],
    summed: Float64[np.ndarray, "solved factors"],
    params: Params,
) -> Float64[np.ndarray, "solved factors"]:
    """Return the factors that fit who rated what best, every cell, given those of the other side."""
    gram = known.T @ known + params.l2 * np.eye(params.factors)
    return np.linalg.solve(gram, summed.T).T


def _of_histories(
    histories: UserHistories,
    index: Int64[np.ndarray, " n"],
    residual: Float64[np.ndarray, " ratings"],
    person: Float64[np.ndarray, " n"],
    movies: int,
) -> csr_matrix:
    """Return what the biases leave of each target's history, targets × movies."""
    start, end = histories.offsets[histories.users_of(index)], histories.history_end(index)
    bounds = np.concatenate([[0], np.cumsum(end - start)])
    places = np.arange(bounds[-1]) + np.repeat(start - bounds[:-1], end - start)
    values = residual[places] - np.repeat(person, end - start)
    return csr_matrix((values, histories.movie_row[places], bounds), (len(index), movies))


def _ones(values: csr_matrix) -> csr_matrix:
    return csr_matrix((np.ones_like(values.data), values.indices, values.indptr), values.shape)

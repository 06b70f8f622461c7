"""A Bayesian factorisation of the ratings, whose movies are known from the catalogue beforehand.

A rating is μ + b_person + c_movie + u·v + noise, with Gaussian priors u ~ N(0, I), b ~ N(0, σ_b²),
(v, c) ~ N(x W, diag λ⁻¹), x being what the catalogue says of the movie. The posterior is taken for
a product of one Gaussian a person and one a movie, which are made in turn (variational Bayes;
Lim & Teh 2007, "Variational Bayesian approach to movie rating prediction"). Variances and W are
those that explain the posterior best.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float64, Int64

SWEEPS, FEWEST_SWEEPS = 20, 6
MOST_RATINGS = 20_000_000
"""Ratings seen in all sweeps together; there are six sweeps at least."""
CATALOGUE_DAMPING = 20.0
"""Movies that a weight of 0 in W is worth beforehand."""
CG_STEPS = 8
"""Steps towards W in a sweep; the next one goes on from there."""
FIRST_WITH_CATALOGUE = 3
"""The sweep from which on W is learned: before, there is nothing to learn from."""
LEAST_VARIANCE = 1e-6
LEAST_NOISE = 0.01

Vectors = Float64[np.ndarray, "n dim"]


class Side(NamedTuple):
    """Posterior of the people, (u, b, 1), or of the movies, (v, 1, c)."""

    mean: Float64[np.ndarray, "n dim"]
    covariance: Float64[np.ndarray, "n dim dim"]

    def second(self) -> Float64[np.ndarray, "n triangle"]:
        """Return the upper triangle of E[x xᵀ], row by row."""
        row, column = np.triu_indices(self.mean.shape[1])
        return self.mean[:, row] * self.mean[:, column] + self.covariance[:, row, column]

    def turned(self, by: Float64[np.ndarray, "factors factors"]) -> Side:
        """Multiply the factors by a matrix, leave the last two columns."""
        whole = np.eye(self.mean.shape[1])
        whole[: len(by), : len(by)] = by
        return Side(self.mean @ whole.T, whole @ self.covariance @ whole.T)


@dataclass
class Factorisation:
    """State of the sweeps; ``movies`` is what they are for."""

    ratings: sp.csr_matrix
    """Stars over their mean, people × movies."""
    catalogue: sp.csr_matrix
    """What the catalogue says, movies × features."""
    people: Side
    movies: Side
    weights: Float64[np.ndarray, "features columns"]
    """W: of the factors, and of c."""
    precision: Float64[np.ndarray, " columns"]
    """Of the factors, and of c, over what W foretells."""
    person_precision: float = 1 / 0.15
    noise: float = 0.8


def fit_bayesian_mf(
    person: Int64[np.ndarray, " ratings"],
    movie: Int64[np.ndarray, " ratings"],
    stars: Float64[np.ndarray, " ratings"],
    catalogue: sp.csr_matrix,
    factors: int,
    seed: int,
) -> tuple[Float64[np.ndarray, "movies factors"], Float64[np.ndarray, " movies"]]:
    """Return each movie's v, and the variance of u·v that comes of not knowing v well.

    Args:
        person: number of the person of each rating; some may have none.
        movie: row of its movie in ``catalogue``.
        stars: the ratings.
        catalogue: what is known of each movie beforehand.
        factors: dimension of v.
        seed: of the first vectors.
    """
    if not len(stars):
        return np.zeros((catalogue.shape[0], factors)), np.zeros(catalogue.shape[0])
    shape = (int(person.max()) + 1, catalogue.shape[0])
    level = stars - stars.mean()
    ratings, given = (sp.csr_matrix((x, (person, movie)), shape) for x in (level, np.ones(len(level))))
    state = _start(ratings, catalogue, factors, seed)
    given_back, back = given.T.tocsr(), ratings.T.tocsr()
    rated = np.diff(given_back.indptr) > 0
    for sweep in range(int(np.clip(MOST_RATINGS // len(stars), FEWEST_SWEEPS, SWEEPS))):
        if sweep >= FIRST_WITH_CATALOGUE:
            _learn_weights(state, rated)
        explained = _sweep(state, given, given_back, back)
        if sweep >= FIRST_WITH_CATALOGUE:
            _straighten(state)
        _learn_variances(state, rated, float((level**2).sum() - explained) / len(level))
    covariance = state.movies.covariance[:, :factors, :factors]
    return state.movies.mean[:, :factors], np.einsum("nii->n", covariance)


def _start(ratings: sp.csr_matrix, catalogue: sp.csr_matrix, factors: int, seed: int) -> Factorisation:
    (people, movies), dim = ratings.shape, factors + 2
    mine, theirs = np.zeros((people, dim)), np.zeros((movies, dim))
    mine[:, -1], theirs[:, factors] = 1, 1
    theirs[:, :factors] = np.random.default_rng(seed).normal(0, 0.1, (movies, factors))
    covariance = np.zeros((movies, dim, dim))
    covariance[:, range(factors), range(factors)] = 0.01
    return Factorisation(
        ratings=ratings,
        catalogue=catalogue,
        people=Side(mine, np.zeros((people, dim, dim))),
        movies=Side(theirs, covariance),
        weights=np.zeros((catalogue.shape[1], factors + 1)),
        precision=np.append(np.full(factors, 20.0), 5.0),
    )


def _sweep(
    state: Factorisation, given: sp.csr_matrix, given_back: sp.csr_matrix, back: sp.csr_matrix
) -> float:
    """Make the people's posteriors by the movies', then the movies' by the people's.

    Returns:
        How much smaller the ratings' expected squared errors are than their squares, in sum.
    """
    factors = len(state.precision) - 1
    free, fixed = [*range(factors + 1)], factors + 1
    precision = np.append(np.ones(factors), state.person_precision)
    prior = np.zeros((len(state.people.mean), factors + 1))
    seen, pull = given @ state.movies.second(), state.ratings @ state.movies.mean
    state.people = _posterior(state.people, seen, pull, free, fixed, precision, prior, state.noise)
    free, fixed = [*range(factors), factors + 1], factors
    prior = state.catalogue @ state.weights
    seen, pull = given_back @ state.people.second(), back @ state.people.mean
    state.movies = _posterior(state.movies, seen, pull, free, fixed, state.precision, prior, state.noise)
    row, column = np.triu_indices(factors + 2)
    explained = (seen * state.movies.second()).sum(axis=0) @ np.where(row == column, 1.0, 2.0)
    return float(2 * (pull * state.movies.mean).sum() - explained)


def _posterior(
    side: Side,
    seen: Float64[np.ndarray, "n triangle"],
    pull: Float64[np.ndarray, "n dim"],
    free: list[int],
    fixed: int,
    precision: Float64[np.ndarray, " columns"],
    prior: Float64[np.ndarray, "n columns"],
    noise: float,
) -> Side:
    """Return the Gaussian of the free columns given the other side; the fixed column is 1.

    Args:
        side: as it was.
        seen: sums of E[y yᵀ] over the ratings of each, y being the other side's.
        pull: sums of level · E[y].
        free: columns to be made anew.
        fixed: the other one.
        precision: of the prior.
        prior: its mean.
        noise: variance of a rating.
    """
    place = np.zeros((side.mean.shape[1],) * 2, np.int64)
    row, column = np.triu_indices(len(place))
    place[row, column] = place[column, row] = np.arange(len(row))
    covariance = np.linalg.inv(seen[:, place[np.ix_(free, free)]] / noise + np.diag(precision))
    towards = (pull[:, free] - seen[:, place[free, fixed]]) / noise + prior * precision
    mean, spread = side.mean.copy(), np.zeros_like(side.covariance)
    mean[:, free] = np.einsum("nij,nj->ni", covariance, towards)
    spread[np.ix_(range(len(mean)), free, free)] = covariance
    return Side(mean, spread)


def _learn_weights(state: Factorisation, rated: np.ndarray) -> None:
    """Go on with the ridge regression of the rated movies' vectors on the catalogue (conjugate gradients)."""
    x, movies = state.catalogue[rated], state.movies.mean[rated]
    weights, y = state.weights, np.delete(movies, -2, axis=1)
    left = x.T @ (y - x @ weights) - CATALOGUE_DAMPING * weights
    step, size = left.copy(), (left**2).sum(axis=0)
    for _ in range(CG_STEPS):
        bent = x.T @ (x @ step) + CATALOGUE_DAMPING * step
        length = size / np.maximum((step * bent).sum(axis=0), 1e-30)
        weights, left = weights + length * step, left - length * bent
        size, before = (left**2).sum(axis=0), size
        step = left + size / np.maximum(before, 1e-30) * step
    state.weights = weights


def _straighten(state: Factorisation) -> None:
    """Turn and scale the factors so that the people's are white and the movies' principal axes.

    It changes no u·v, and spares hundreds of sweeps.
    """
    factors = len(state.precision) - 1
    root = np.linalg.cholesky(_spread(state.people, factors))
    _, axes = np.linalg.eigh(root.T @ _spread(state.movies, factors) @ root)
    back = axes.T @ root.T
    state.people = state.people.turned(axes.T @ np.linalg.inv(root))
    state.movies = state.movies.turned(back)
    state.weights = np.column_stack([state.weights[:, :factors] @ back.T, state.weights[:, factors]])


def _spread(side: Side, factors: int) -> Float64[np.ndarray, "factors factors"]:
    mean = side.mean[:, :factors]
    return mean.T @ mean / len(mean) + side.covariance[:, :factors, :factors].mean(axis=0)


def _learn_variances(state: Factorisation, rated: np.ndarray, noise: float) -> None:
    """Take the variances that explain the posteriors best; ``noise``: mean expected squared error."""
    factors, movies, people = len(state.precision) - 1, state.movies, state.people
    free = [*range(factors), factors + 1]
    apart = movies.mean[:, free] - state.catalogue @ state.weights
    spread = (apart**2 + movies.covariance[:, free, free])[rated].mean(axis=0)
    state.precision = 1 / np.maximum(spread, LEAST_VARIANCE)
    level = people.mean[:, factors] ** 2 + people.covariance[:, factors, factors]
    state.person_precision = 1 / max(float(level.mean()), LEAST_VARIANCE)
    state.noise = max(noise, LEAST_NOISE)

"""Damped movie means, counts and spreads, which leave out the rating that asks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float64
from threadpoolctl import threadpool_limits

from reelgraph.raters.gp.movie_content import MovieContent
from reelgraph.raters.gp.rating_table import RatingTable

DAMPING = 5.0
"""Ratings that the prior mean of a movie or of a person is worth."""
RIDGE = 8.0
"""Penalty of the regression of movie means on the catalogue."""
FOLDS = 5
SWEEPS = 5
SPREAD_PRIOR, SPREAD_WEIGHT, LEAST_VARIANCE = 2.0, 2.0, 0.05

Movies = Float64[np.ndarray, " movies"]
Column = Float64[np.ndarray, " ratings"]


@dataclass(frozen=True)
class MovieStats:
    """Sums over the rows fitted on; residuals are over the global mean and the person's damped mean."""

    mean: float
    """Mean of all rows, stars."""
    plain: Movies
    """Damped movie effect, all of the movie's rows included, stars."""
    count: Movies
    total: Movies
    """Sum of the residuals."""
    square: Movies
    """Sum of their squares."""
    prior: Movies
    """What the catalogue says of the movie effect, by a regression without the movie."""


@dataclass(frozen=True)
class LeaveOneOutStats:
    """For each rating what the others say of its movie."""

    mean: Column
    """Movie effect, shrunk to the catalogue's prior, stars."""
    log_count: Column
    std: Column
    """Standard deviation of the movie's residuals, shrunk, stars."""
    prior: Column


def fit_movie_stats(ratings: RatingTable, content: MovieContent, seed: int) -> MovieStats:
    """Fit the movie means on all rows; damped biases by alternating sweeps (Koren 2009)."""
    user, movie, n = ratings.user, ratings.movie, content.n_movies
    level, mean = ratings.stars - ratings.stars.mean(), float(ratings.stars.mean())
    count = np.bincount(movie, minlength=n).astype(np.float64)
    person = np.zeros(len(ratings.offsets) - 1)
    for _ in range(SWEEPS):
        plain = np.bincount(movie, level - person[user], n) / (count + DAMPING)
        person = _person(ratings, level, plain)
    residual = level - person[user]
    total, square = np.bincount(movie, residual, n), np.bincount(movie, residual**2, n)
    prior = prior_from(content.design_matrix(), count, total, seed)
    return MovieStats(mean, plain, count, total, square, prior)


def leave_one_out_stats(stats: MovieStats, ratings: RatingTable) -> LeaveOneOutStats:
    """Return what is known of each rating's movie without the rating's own share, if it was fitted on."""
    movie, own = ratings.movie, ratings.is_fitted.astype(np.float64)
    level = ratings.stars - stats.mean
    residual = own * (level - _person(ratings, level, stats.plain)[ratings.user])
    n, prior = stats.count[movie] - own, stats.prior[movie]
    total, square = stats.total[movie] - residual, stats.square[movie] - residual**2
    variance = (square + SPREAD_PRIOR - total**2 / np.maximum(n, 1)) / (n + SPREAD_WEIGHT)
    return LeaveOneOutStats(
        mean=(total + DAMPING * prior) / (n + DAMPING),
        log_count=np.log1p(n),
        std=np.sqrt(np.maximum(variance, LEAST_VARIANCE / (n + SPREAD_WEIGHT))),
        prior=prior,
    )


def _person(ratings: RatingTable, level: Column, plain: Movies) -> Float64[np.ndarray, " users"]:
    """Damped mean of each person's known rows over the movies' effects."""
    own, users = ratings.is_fitted.astype(np.float64), len(ratings.offsets) - 1
    total = np.bincount(ratings.user, own * (level - plain[ratings.movie]), users)
    return total / (np.bincount(ratings.user, own, users) + DAMPING)


def prior_from(x: sp.csr_matrix, count: Movies, total: Movies, seed: int) -> Movies:
    """Regress movie means on the catalogue; each movie's value is by a fit without it."""
    # Here, since whoever predicts only need not wait for it: it takes as long to import as all of torch.
    from sklearn.linear_model import Ridge

    target, weight = total / np.maximum(count, 1), count / (count + DAMPING)
    fold = np.random.default_rng(seed).integers(0, FOLDS, len(count))
    fold[count == 0] = FOLDS
    found = np.zeros(len(count))
    with threadpool_limits(1):
        for f in np.unique(fold):
            rest, mine = np.flatnonzero((fold != f) & (count > 0)), np.flatnonzero(fold == f)
            if len(rest):
                fitted = Ridge(alpha=RIDGE).fit(x[rest], target[rest], sample_weight=weight[rest])
                found[mine] = fitted.predict(x[mine])
    return found

"""Damped means, counts and standard deviations of movies, for each rating without the rating itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from jaxtyping import Bool, Float64

from reelgraph.core.parallel import parallel_map
from reelgraph.raters.gp.movie_content import MovieContent
from reelgraph.raters.gp.rating_table import RatingTable

DAMPING = 5.0
"""Weight of the prior mean of a movie or of a user, in ratings."""
L2 = 8.0
"""Penalty of the regression of movie effects on the content."""
N_REGRESSION_FOLDS = 5
HIDDEN_FRACTION = 0.05
"""Fraction of the fitted ratings whose movies are shown to the training as if unrated."""
N_SWEEPS = 5
VARIANCE_PRIOR = 2.0
"""Prior sum of squared residuals, stars²."""
VARIANCE_PRIOR_WEIGHT = 2.0
"""Weight of the prior variance, in ratings."""
MIN_VARIANCE = 0.05

PerMovie = Float64[np.ndarray, " movies"]
PerRating = Float64[np.ndarray, " ratings"]


@dataclass(frozen=True)
class MovieStats:
    """Sums over the fitted ratings; a residual is a rating minus global mean and the user's damped mean."""

    global_mean: float
    """Mean of all ratings, stars."""
    damped_effect: PerMovie
    """Damped movie effect with all of the movie's ratings, stars."""
    count: PerMovie
    """Number of ratings."""
    residual_sum: PerMovie
    squared_residual_sum: PerMovie
    prior_effect: PerMovie
    """Movie effect predicted from the content by a regression that was fitted without the movie, stars."""
    prior_log_count: PerMovie
    """The same of log(1 + number of ratings)."""


@dataclass(frozen=True)
class LeaveOneOutStats:
    """For each rating the statistics of the other ratings of its movie."""

    effect: PerRating
    """Movie effect, shrunk to the prior effect, stars."""
    is_unrated: Bool[np.ndarray, " ratings"]
    """True if the movie has no fitted rating, or if they are hidden."""
    count: PerRating
    """Number of ratings."""
    log_count: PerRating
    """log(1 + number of ratings); of an unrated movie, what its content predicts."""
    std: PerRating
    """Standard deviation of the movie's residuals, shrunk, stars."""
    prior_effect: PerRating
    """As in ``MovieStats``."""


def fit_movie_stats(ratings: RatingTable, content: MovieContent, seed: int) -> MovieStats:
    """Fit the movie effects on all ratings, with damped biases by alternating sweeps (Koren 2009)."""
    user = ratings.user
    movie = ratings.movie
    n_movies = content.n_movies
    global_mean = float(ratings.stars.mean())
    deviation = ratings.stars - ratings.stars.mean()
    count = np.bincount(movie, minlength=n_movies).astype(np.float64)
    user_effect = np.zeros(ratings.n_users)
    for _ in range(N_SWEEPS):
        damped_effect = np.bincount(movie, deviation - user_effect[user], n_movies) / (count + DAMPING)
        user_effect = _damped_user_effect(ratings, deviation, damped_effect)
    residual = deviation - user_effect[user]
    residual_sum = np.bincount(movie, residual, n_movies)
    squared_residual_sum = np.bincount(movie, residual**2, n_movies)
    targets = regression_targets(count, residual_sum)
    prior_effect, prior_log_count = predict_from_content(content.design_matrix(), count, targets, seed).T
    return MovieStats(
        global_mean, damped_effect, count, residual_sum, squared_residual_sum, prior_effect, prior_log_count
    )


def draw_hidden(ratings: RatingTable, seed: int) -> Bool[np.ndarray, " ratings"]:
    """Draw fitted ratings; in training, their movies are treated as unrated.

    Rarely rated movies are worse than others, but a new movie is not a rarely rated one. So the process
    learns what to expect of an unrated movie from movies of every kind, each as often as it is rated.
    """
    draw = np.random.default_rng(seed).random(len(ratings.movie))
    return ratings.is_fitted & (draw < HIDDEN_FRACTION)


def leave_one_out_stats(
    stats: MovieStats, ratings: RatingTable, is_hidden: Bool[np.ndarray, " ratings"]
) -> LeaveOneOutStats:
    """Return each rating's movie statistics, without the rating itself if the model was fitted on it.

    Args:
        stats: of the fitted ratings.
        ratings: the ratings.
        is_hidden: marks fitted ratings whose movies are treated as unrated.
    """
    movie = ratings.movie
    is_fitted = ratings.is_fitted.astype(np.float64)
    deviation = ratings.stars - stats.global_mean
    user_effect = _damped_user_effect(ratings, deviation, stats.damped_effect)
    residual = is_fitted * (deviation - user_effect[ratings.user])
    is_shown = 1.0 - is_hidden
    n = is_shown * (stats.count[movie] - is_fitted)
    prior_effect = stats.prior_effect[movie]
    residual_sum = is_shown * (stats.residual_sum[movie] - residual)
    squared_sum = is_shown * (stats.squared_residual_sum[movie] - residual**2)
    # A fitted rating that is its movie's only one is no example of a new movie: it would count too much.
    is_unrated = np.where(ratings.is_fitted, is_hidden, n == 0)
    weight = n + VARIANCE_PRIOR_WEIGHT
    variance = (squared_sum + VARIANCE_PRIOR - residual_sum**2 / np.maximum(n, 1)) / weight
    return LeaveOneOutStats(
        effect=(residual_sum + DAMPING * prior_effect) / (n + DAMPING),
        is_unrated=is_unrated,
        count=n,
        log_count=np.where(is_unrated, stats.prior_log_count[movie], np.log1p(n)),
        std=np.sqrt(np.maximum(variance, MIN_VARIANCE / weight)),
        prior_effect=prior_effect,
    )


def _damped_user_effect(
    ratings: RatingTable, deviation: PerRating, movie_effect: PerMovie
) -> Float64[np.ndarray, " users"]:
    """Return the damped mean of each user's fitted ratings over the movie effects."""
    is_fitted = ratings.is_fitted.astype(np.float64)
    total = np.bincount(ratings.user, is_fitted * (deviation - movie_effect[ratings.movie]), ratings.n_users)
    return total / (np.bincount(ratings.user, is_fitted, ratings.n_users) + DAMPING)


def regression_targets(count: PerMovie, residual_sum: PerMovie) -> Float64[np.ndarray, "movies 2"]:
    """Return what the content predicts: each movie's mean residual, and log(1 + number of ratings)."""
    return np.column_stack([residual_sum / np.maximum(count, 1), np.log1p(count)])


def predict_from_content(
    design_matrix: sp.csr_matrix, count: PerMovie, targets: Float64[np.ndarray, "movies columns"], seed: int
) -> Float64[np.ndarray, "movies columns"]:
    """Predict targets of each movie from its content, by ridge regressions that are fitted without the movie.

    Args:
        design_matrix: content of the movies, see ``MovieContent.design_matrix``.
        count: number of ratings; the regressions are fitted on rated movies.
        targets: one regression for each column.
        seed: of the cross-validation folds.
    """
    # Imported here, as prediction does not need it: it takes as long to import as all of torch.
    from sklearn.linear_model import Ridge

    weight = count / (count + DAMPING)
    fold = np.random.default_rng(seed).integers(0, N_REGRESSION_FOLDS, len(count))
    fold[count == 0] = N_REGRESSION_FOLDS
    prediction = np.zeros(targets.shape)

    def predict_fold(number: int) -> None:
        fit_rows = np.flatnonzero((fold != number) & (count > 0))
        rows = np.flatnonzero(fold == number)
        if len(fit_rows):
            ridge = Ridge(alpha=L2)
            ridge.fit(design_matrix[fit_rows], targets[fit_rows], sample_weight=weight[fit_rows])
            # Of a single target, Ridge returns a vector.
            prediction[rows] = ridge.predict(design_matrix[rows]).reshape(len(rows), -1)

    parallel_map(predict_fold, np.unique(fold).tolist())
    return prediction

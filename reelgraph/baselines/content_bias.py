"""Baseline: damped biases whose movie bias is shrunk to what a ridge regression predicts from content.

A movie without ratings has the bias that the regression predicts. Its features are the text vector, the
embedding from the graph, genres and decade.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Float64, Int64
from pydantic import Field

from reelgraph.baselines.biases import Biases, BiasParams, fit_biases, residuals, user_biases_from_history
from reelgraph.baselines.content import MovieContent, Vectors, targets_by_history
from reelgraph.core.rating_scale import MAX_STARS, MIN_STARS
from reelgraph.sequences.dataset import UserHistories, star_ratings

READS_CONTENT = True

ITERATIONS = 3
"""Alternating updates of the movie biases and the user biases."""


class Params(BiasParams):
    """Parameters of the baseline; a movie's prior bias is the one that its content predicts."""

    l2: float = Field(gt=0)
    """Penalty of the regression, in movies, above 0."""


class VectorParams(Params):
    """Parameters of a baseline that adds what a user thinks of similar movies."""

    vectors: Vectors
    """Vectors of the movies that are compared: text, graph or both."""


PredictDeviations = Callable[
    [Float64[np.ndarray, "targets dim"], Float64[np.ndarray, "history dim"], Float64[np.ndarray, " history"]],
    Float64[np.ndarray, " targets"],
]
"""From vectors of targets, and from vectors and residuals of a history, the targets' residuals."""


def predict(
    histories: UserHistories,
    fit_end: Int64[np.ndarray, " users"],
    index: Int64[np.ndarray, " n"],
    params: Params,
    content: MovieContent,
) -> Float[np.ndarray, " n"]:
    """Predict the ratings at ``index`` from all ratings of their histories, in stars."""
    biases = fit_content_biases(histories, fit_end, params, content)
    user_bias = user_biases_from_history(histories, residuals(histories, biases), index, params.user_damping)
    movie_bias = biases.movie[histories.movie_row[index]]
    return (biases.mean + movie_bias + user_bias).clip(MIN_STARS, MAX_STARS)


def predict_with_deviations(
    histories: UserHistories,
    fit_end: Int64[np.ndarray, " users"],
    index: Int64[np.ndarray, " n"],
    params: VectorParams,
    content: MovieContent,
    predict_deviations: PredictDeviations,
) -> Float[np.ndarray, " n"]:
    """Predict as ``predict``, plus what the residuals of the history tell about the target's vector."""
    biases = fit_content_biases(histories, fit_end, params, content)
    residual = residuals(histories, biases)
    user_bias = user_biases_from_history(histories, residual, index, params.user_damping)
    vectors = content.unit_vectors(params.vectors)
    deviation = np.zeros(len(index))
    for positions, history in targets_by_history(histories, index):
        deviation[positions] = predict_deviations(
            vectors[histories.movie_row[index[positions]]],
            vectors[histories.movie_row[history]],
            residual[history] - user_bias[positions[0]],
        )
    movie_bias = biases.movie[histories.movie_row[index]]
    return (biases.mean + movie_bias + user_bias + deviation).clip(MIN_STARS, MAX_STARS)


def fit_content_biases(
    histories: UserHistories, fit_end: Int64[np.ndarray, " users"], params: Params, content: MovieContent
) -> Biases:
    """Fit biases on each user's rows before ``fit_end``; the movie bias is shrunk to the regression's."""
    mean, _, user_bias = fit_biases(histories, fit_end, params.movie_damping, params.user_damping)
    rows = np.flatnonzero(histories.mask_before(fit_end))
    n_users = len(histories.user_id)
    n_movies = len(content.year)
    user = histories.users_of(rows)
    movie = histories.movie_row[rows]
    deviation = star_ratings(histories, rows) - mean
    count = np.bincount(movie, minlength=n_movies)
    user_count = np.bincount(user, minlength=n_users)
    features = content.features()
    for _ in range(ITERATIONS):
        total = np.bincount(movie, deviation - user_bias[user], n_movies)
        prior = predict_movie_means(features, total, count, params.movie_damping, params.l2)
        movie_bias = (total + params.movie_damping * prior) / (count + params.movie_damping)
        user_total = np.bincount(user, deviation - movie_bias[movie], n_users)
        user_bias = user_total / (user_count + params.user_damping)
    return Biases(mean, movie_bias, user_bias)


def predict_movie_means(
    features: Float64[np.ndarray, "movies features"],
    total: Float64[np.ndarray, " movies"],
    count: Int64[np.ndarray, " movies"],
    damping: float,
    l2: float,
) -> Float64[np.ndarray, " movies"]:
    """Predict a movie's mean residual from its features, by a ridge regression.

    Args:
        features: regressors of the movies.
        total: sum of the residuals of each movie.
        count: number of them.
        damping: a mean of n residuals has the weight n / (n + damping).
        l2: penalty.
    """
    # The mean of the residuals, times its weight.
    weighted_mean = total / (count + damping)
    weighted = features * (count / (count + damping))[:, None]
    gram = weighted.T @ features + l2 * np.eye(features.shape[1])
    return features @ np.linalg.solve(gram, features.T @ weighted_mean)

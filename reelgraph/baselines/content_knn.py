"""Baseline: content_bias, and the user's ratings of the movies whose content is nearest to the target's."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float64, Int64
from pydantic import Field

from reelgraph.baselines import content_bias
from reelgraph.baselines.biases import residuals, user_biases_from_history
from reelgraph.baselines.content import MovieContent, Vectors, targets_by_history
from reelgraph.core.rating_scale import MAX_STARS, MIN_STARS
from reelgraph.sequences.dataset import UserHistories

READS_CONTENT = True


class Params(content_bias.Params):
    """Parameters of the baseline: those of content_bias, and of the neighbours."""

    vectors: Vectors
    """What the cosine of two movies is taken of: text, graph or both."""

    neighbours: int = Field(ge=1)
    """Most similar movies of the history that count, 1 or more."""

    damping: float = Field(gt=0)
    """Summed similarity that a prior deviation of 0 counts as, above 0."""


def predict(
    histories: UserHistories,
    fit_end: Int64[np.ndarray, " users"],
    index: Int64[np.ndarray, " n"],
    params: Params,
    content: MovieContent,
) -> Float[np.ndarray, " n"]:
    """Predict the ratings at ``index`` from all ratings of their histories, in stars."""
    biases = content_bias.fit_content_biases(histories, fit_end, params, content)
    residual = residuals(histories, biases)
    user_bias = user_biases_from_history(histories, residual, index, params.user_damping)
    vectors = content.unit_vectors(params.vectors)
    deviation = np.zeros(len(index))
    for positions, history in targets_by_history(histories, index):
        movie = histories.movie_row[index[positions]]
        similarity = vectors[movie] @ vectors[histories.movie_row[history]].T
        excess = residual[history] - user_bias[positions[0]]
        deviation[positions] = _neighbour_means(similarity, excess, params)
    movie_bias = biases.movie[histories.movie_row[index]]
    return (biases.mean + movie_bias + user_bias + deviation).clip(MIN_STARS, MAX_STARS)


def _neighbour_means(
    similarity: Float64[np.ndarray, "targets history"],
    excess: Float64[np.ndarray, " history"],
    params: Params,
) -> Float64[np.ndarray, " targets"]:
    """Return damped means of the nearest movies' deviations; negative similarities count as 0."""
    nearest = np.argsort(-similarity, axis=1, kind="stable")[:, : params.neighbours]
    weight = np.maximum(np.take_along_axis(similarity, nearest, axis=1), 0)
    return (weight * excess[nearest]).sum(axis=1) / (weight.sum(axis=1) + params.damping)

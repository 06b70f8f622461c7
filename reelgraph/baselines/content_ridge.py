"""Baseline: content_bias, and a ridge regression per user of the residuals on the content of the movies.

The regression is solved in its dual form, K + λI, over the newest ratings of the history.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int64
from pydantic import Field

from reelgraph.baselines import content_bias
from reelgraph.baselines.biases import residuals, user_biases_from_history
from reelgraph.baselines.content import MovieContent, Vectors, targets_by_history
from reelgraph.core.rating_scale import MAX_STARS, MIN_STARS
from reelgraph.sequences.dataset import UserHistories

READS_CONTENT = True


class Params(content_bias.Params):
    """Parameters of the baseline: those of content_bias, and of the regression per user."""

    vectors: Vectors
    """Vectors of the movies that are regressed on: text, graph or both."""

    max_history: int = Field(ge=1)
    """Newest ratings of a history that are read, 1 or more; the cost grows with its cube."""

    user_l2: float = Field(gt=0)
    """Penalty of the regression per user, above 0."""


def predict(
    histories: UserHistories,
    fit_end: Int64[np.ndarray, " users"],
    index: Int64[np.ndarray, " n"],
    params: Params,
    content: MovieContent,
) -> Float[np.ndarray, " n"]:
    """Predict the ratings at ``index`` from the newest ratings of their histories, in stars."""
    biases = content_bias.fit_content_biases(histories, fit_end, params, content)
    residual = residuals(histories, biases)
    user_bias = user_biases_from_history(histories, residual, index, params.user_damping)
    vectors = content.unit_vectors(params.vectors)
    deviation = np.zeros(len(index))
    for positions, history in targets_by_history(histories, index):
        newest = history[-params.max_history :]
        rated = vectors[histories.movie_row[newest]]
        excess = residual[newest] - user_bias[positions[0]]
        dual = np.linalg.solve(rated @ rated.T + params.user_l2 * np.eye(len(newest)), excess)
        deviation[positions] = vectors[histories.movie_row[index[positions]]] @ (rated.T @ dual)
    movie_bias = biases.movie[histories.movie_row[index]]
    return (biases.mean + movie_bias + user_bias + deviation).clip(MIN_STARS, MAX_STARS)

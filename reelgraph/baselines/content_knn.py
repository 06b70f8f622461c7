"""Baseline: content_bias, and the user's ratings of the movies whose content is nearest to the target's."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float64, Int64
from pydantic import Field

from reelgraph.baselines.content import MovieContent
from reelgraph.baselines.content_bias import VectorParams, predict_with_deviations
from reelgraph.sequences.dataset import UserHistories

READS_CONTENT = True


class Params(VectorParams):
    """Parameters of the baseline: those of content_bias, the vectors, and the neighbours."""

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

    def average_neighbours(
        targets: Float64[np.ndarray, "targets dim"],
        rated: Float64[np.ndarray, "history dim"],
        residual: Float64[np.ndarray, " history"],
    ) -> Float64[np.ndarray, " targets"]:
        """Return damped means of the nearest movies' residuals; negative similarities count as 0."""
        similarity = targets @ rated.T
        nearest = np.argsort(-similarity, axis=1, kind="stable")[:, : params.neighbours]
        weight = np.maximum(np.take_along_axis(similarity, nearest, axis=1), 0)
        return (weight * residual[nearest]).sum(axis=1) / (weight.sum(axis=1) + params.damping)

    return predict_with_deviations(histories, fit_end, index, params, content, average_neighbours)

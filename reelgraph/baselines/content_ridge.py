"""Baseline: content_bias, and a ridge regression per user of the residuals on the content of the movies.

The regression is solved in its dual form, K + λI, over the newest ratings of the history.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float64, Int64
from pydantic import Field

from reelgraph.baselines.content import MovieContent
from reelgraph.baselines.content_bias import VectorParams, predict_with_deviations
from reelgraph.sequences.dataset import UserHistories

READS_CONTENT = True


class Params(VectorParams):
    """Parameters of the baseline: those of content_bias, the vectors, and the regression per user."""

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

    def regress(
        targets: Float64[np.ndarray, "targets dim"],
        rated: Float64[np.ndarray, "history dim"],
        residual: Float64[np.ndarray, " history"],
    ) -> Float64[np.ndarray, " targets"]:
        """Return what a ridge regression of the newest residuals predicts."""
        rated = rated[-params.max_history :]
        kernel = rated @ rated.T + params.user_l2 * np.eye(len(rated))
        dual = np.linalg.solve(kernel, residual[-params.max_history :])
        return targets @ (rated.T @ dual)

    return predict_with_deviations(histories, fit_end, index, params, content, regress)

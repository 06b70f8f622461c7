"""Baseline: damped biases of the movie and the user, and a decayed, shrunk mean of the last residuals.

It has only four parameters and is hard to beat on small data, because users drift.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int64
from pydantic import Field

from reelgraph.baselines.biases import BiasParams, fit_biases, residuals, user_biases_from_history
from reelgraph.core.rating_scale import MAX_STARS, MIN_STARS
from reelgraph.sequences.dataset import UserHistories

WINDOW = 64
"""Latest ratings that count: with a decay of 0.9, the next one would have a weight of a thousandth."""


class Params(BiasParams):
    """Parameters of the baseline."""

    decay: float = Field(ge=0, le=1)
    """Weight of a residual relative to the next newer one, 0 to 1."""

    damping: float = Field(gt=0)
    """Newest residuals that a prior recent bias of 0 counts as, above 0."""


def predict(
    histories: UserHistories,
    fit_end: Int64[np.ndarray, " users"],
    index: Int64[np.ndarray, " n"],
    params: Params,
) -> Float[np.ndarray, " n"]:
    """Predict the ratings at ``index`` from all ratings of their histories, in stars."""
    biases = fit_biases(histories, fit_end, params.movie_damping, params.user_damping)
    residual = residuals(histories, biases)
    user_bias = user_biases_from_history(histories, residual, index, params.user_damping)
    start, _ = histories.history_bounds(index)
    end = histories.chronological_history_end(index)
    total = np.zeros(len(index))
    total_weight = np.zeros(len(index))
    # One rating of each history at a time: all of them together would take gigabytes at full size.
    for age in range(WINDOW):
        row = end - 1 - age
        weight = params.decay**age * (row >= start)
        total += weight * (residual[np.maximum(row, 0)] - user_bias)
        total_weight += weight
    recent_bias = total / (total_weight + params.damping)
    movie_bias = biases.movie[histories.movie_row[index]]
    return (biases.mean + movie_bias + user_bias + recent_bias).clip(MIN_STARS, MAX_STARS)

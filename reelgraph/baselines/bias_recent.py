"""Baseline: damped biases of the movie and the user, and a decayed, shrunk mean of the last residuals.

It has only four parameters and is hard to beat on small data, because users drift.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int64
from pydantic import Field

from reelgraph.baselines.biases import fit_biases, residuals, user_biases_from_history
from reelgraph.core.rating_scale import MAX_STARS, MIN_STARS
from reelgraph.params.base import Section
from reelgraph.sequences.dataset import UserHistories

WINDOW = 64
"""Latest ratings that count; 0.9^64 is a thousandth."""


class Params(Section):
    """Parameters of the baseline."""

    movie_damping: float = Field(gt=0)
    """Ratings that a prior movie bias of 0 counts as, above 0."""

    user_damping: float = Field(gt=0)
    """Ratings that a prior user bias of 0 counts as, above 0."""

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
    start = histories.offsets[histories.users_of(index)]
    steps_back = np.arange(1, WINDOW + 1)
    row = histories.chronological_history_end(index)[:, None] - steps_back
    weight = params.decay ** (steps_back - 1) * (row >= start[:, None])
    excess = residual[np.maximum(row, 0)] - user_bias[:, None]
    recent_bias = (weight * excess).sum(axis=1) / (weight.sum(axis=1) + params.damping)
    movie_bias = biases.movie[histories.movie_row[index]]
    return (biases.mean + movie_bias + user_bias + recent_bias).clip(MIN_STARS, MAX_STARS)

"""Baseline: damped effects of movie and person, and a decayed, shrunk mean of the last residuals.

Five numbers in all, and hard to beat on small data: people drift, and their last ratings tell.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int64

from reelgraph.baselines.biases import fit_biases
from reelgraph.histories.arrays import Histories
from reelgraph.params.baselines import Baselines
from reelgraph.stars import HIGHEST, LOWEST, from_codes

REACH = 64
"""Ratings back that still count; 0.9^64 is a thousandth."""


def predict(
    histories: Histories,
    fit_end: Int64[np.ndarray, " users"],
    index: Int64[np.ndarray, " n"],
    params: Baselines,
) -> Float[np.ndarray, " n"]:
    """Predict the ratings at ``index`` from all ratings of their histories, in stars."""
    fitted = fit_biases(histories, fit_end, params.movie_damping, params.user_damping)
    residual = from_codes(histories.code.astype(np.float64)) - fitted.mean - fitted.movie[histories.movie_row]
    start, end = histories.offsets[histories.users_of(index)], histories.history_end(index)
    sums, count = np.concatenate([[0.0], np.cumsum(residual)]), end - start
    person = (sums[end] - sums[start]) / (count + params.user_damping)
    back = np.arange(1, REACH + 1)
    places = histories.earlier_end(index)[:, None] - back
    weight = params.recent_decay ** (back - 1) * (places >= start[:, None])
    over = residual[np.maximum(places, 0)] - person[:, None]
    recent = (weight * over).sum(axis=1) / (weight.sum(axis=1) + params.recent_damping)
    return (fitted.mean + fitted.movie[histories.movie_row[index]] + person + recent).clip(LOWEST, HIGHEST)

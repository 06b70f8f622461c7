"""Baseline: damped effects of movie and person, and a decayed, shrunk mean of the last residuals.

Five numbers in all, and hard to beat on small data: people drift, and their last ratings tell.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int64
from pydantic import Field

from reelgraph.baselines.biases import fit_biases, residuals, user_biases_from_history
from reelgraph.core.rating_scale import MAX_STARS, MIN_STARS
from reelgraph.params.base import Section
from reelgraph.sequences.dataset import UserHistories

REACH = 64
"""Ratings back that still count; 0.9^64 is a thousandth."""


class Params(Section):
    """Numbers of the baseline."""

    movie_damping: float = Field(gt=0)
    """Ratings that a movie's effect of 0 is worth beforehand, above 0."""

    user_damping: float = Field(gt=0)
    """The same of a person's."""

    decay: float = Field(ge=0, le=1)
    """Weight of a residual against that of the next newer one, 0 to 1."""

    damping: float = Field(gt=0)
    """Newest residuals that a recent effect of 0 is worth, above 0."""


def predict(
    histories: UserHistories,
    fit_end: Int64[np.ndarray, " users"],
    index: Int64[np.ndarray, " n"],
    params: Params,
) -> Float[np.ndarray, " n"]:
    """Predict the ratings at ``index`` from all ratings of their histories, in stars."""
    fitted = fit_biases(histories, fit_end, params.movie_damping, params.user_damping)
    residual = residuals(histories, fitted)
    person = user_biases_from_history(histories, residual, index, params.user_damping)
    start = histories.offsets[histories.users_of(index)]
    back = np.arange(1, REACH + 1)
    places = histories.chronological_history_end(index)[:, None] - back
    weight = params.decay ** (back - 1) * (places >= start[:, None])
    over = residual[np.maximum(places, 0)] - person[:, None]
    recent = (weight * over).sum(axis=1) / (weight.sum(axis=1) + params.damping)
    return (fitted.mean + fitted.movie[histories.movie_row[index]] + person + recent).clip(
        MIN_STARS, MAX_STARS
    )

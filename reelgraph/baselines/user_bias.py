"""Baseline: the damped mean of the user's history, whatever the movie."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int64
from pydantic import Field

from reelgraph.baselines.biases import global_mean, user_biases_from_history
from reelgraph.params.base import Section
from reelgraph.sequences.dataset import UserHistories, star_ratings


class Params(Section):
    """Parameters of the baseline."""

    damping: float = Field(gt=0)
    """Ratings that the global mean counts as, above 0."""


def predict(
    histories: UserHistories,
    fit_end: Int64[np.ndarray, " users"],
    index: Int64[np.ndarray, " n"],
    params: Params,
) -> Float[np.ndarray, " n"]:
    """Predict the ratings at ``index``, in stars."""
    mean = global_mean(histories, fit_end)
    deviation = star_ratings(histories) - mean
    return mean + user_biases_from_history(histories, deviation, index, params.damping)

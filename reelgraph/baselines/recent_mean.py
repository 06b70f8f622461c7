"""Baseline: the mean of the last few ratings before the target, which the rater sees too."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int64
from pydantic import Field

from reelgraph.baselines import biases
from reelgraph.core.rating_scale import codes_to_stars
from reelgraph.params.base import Section
from reelgraph.sequences.dataset import UserHistories


class Params(Section):
    """Parameters of the baseline."""

    recent: int = Field(ge=1, le=100_000)
    """Ratings of the history that are averaged, 1 to 100,000."""


def predict(
    histories: UserHistories,
    fit_end: Int64[np.ndarray, " users"],
    index: Int64[np.ndarray, " n"],
    params: Params,
) -> Float[np.ndarray, " n"]:
    """Predict the ratings at ``index``, in stars; a target without history gets the global mean."""
    sums = biases.running_sums(histories)
    end = histories.chronological_history_end(index)
    start = np.maximum(end - params.recent, histories.offsets[histories.users_of(index)])
    count = end - start
    recent = codes_to_stars((sums[end] - sums[start]) / np.maximum(count, 1))
    return np.where(count > 0, recent, biases.global_mean(histories, fit_end))

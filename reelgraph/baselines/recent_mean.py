"""Baseline: the mean of the last few ratings before the target, those that the rater sees too."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int64
from pydantic import Field

from reelgraph.baselines import means
from reelgraph.core.rating_scale import from_codes
from reelgraph.params.base import Section
from reelgraph.sequences.arrays import Histories


class Params(Section):
    """Numbers of the baseline."""

    recent: int = Field(ge=1, le=100_000)
    """Ratings of the history that are averaged, 1 to 100,000."""


def predict(
    histories: Histories,
    fit_end: Int64[np.ndarray, " users"],
    index: Int64[np.ndarray, " n"],
    params: Params,
) -> Float[np.ndarray, " n"]:
    """Predict the ratings at ``index``, in stars; with none before them the global mean."""
    sums = means.running_sums(histories)
    end = histories.earlier_end(index)
    start = np.maximum(end - params.recent, histories.offsets[histories.users_of(index)])
    count = end - start
    recent = from_codes((sums[end] - sums[start]) / np.maximum(count, 1))
    return np.where(count > 0, recent, means.global_mean(histories, fit_end))

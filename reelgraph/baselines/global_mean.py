"""Baseline: the mean of all training ratings."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int64

from reelgraph.baselines import biases
from reelgraph.params.base import Section
from reelgraph.sequences.dataset import UserHistories

Params = Section
"""The baseline has no parameters."""


def predict(
    histories: UserHistories,
    fit_end: Int64[np.ndarray, " users"],
    index: Int64[np.ndarray, " n"],
    params: Params,
) -> Float[np.ndarray, " n"]:
    """Predict the ratings at ``index``, in stars."""
    return np.full(len(index), biases.global_mean(histories, fit_end))

"""Peer: Bayesian factorisation machine with user history, movie history and day ("timeSVD++ flipped")."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int64

from reelgraph.baselines.external.machine import Machine, predict_by_machine
from reelgraph.sequences.arrays import Histories

Params = Machine


def predict(
    histories: Histories,
    fit_end: Int64[np.ndarray, " users"],
    index: Int64[np.ndarray, " n"],
    params: Params,
) -> Float[np.ndarray, " n"]:
    """Predict the ratings at ``index``, in stars."""
    return predict_by_machine(histories, fit_end, index, params, history=True)

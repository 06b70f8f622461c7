"""External baseline: Bayesian factorization machine with the user, the movie and the day as its features."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int64

from reelgraph.baselines.external.bayesian_fm import Params, predict_with_fm
from reelgraph.sequences.dataset import UserHistories

__all__ = ["Params", "predict"]


def predict(
    histories: UserHistories,
    fit_end: Int64[np.ndarray, " users"],
    index: Int64[np.ndarray, " n"],
    params: Params,
) -> Float[np.ndarray, " n"]:
    """Predict the ratings at ``index``, in stars."""
    return predict_with_fm(histories, fit_end, index, params, history=False)

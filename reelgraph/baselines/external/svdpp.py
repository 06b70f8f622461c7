"""External baseline: Surprise's SVD++ (Koren 2008)."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int64

from reelgraph.baselines.external.surprise_adapter import SurpriseParams, predict_with_surprise
from reelgraph.baselines.registry import import_optional
from reelgraph.sequences.dataset import UserHistories

Params = SurpriseParams


def predict(
    histories: UserHistories,
    fit_end: Int64[np.ndarray, " users"],
    index: Int64[np.ndarray, " n"],
    params: Params,
) -> Float[np.ndarray, " n"]:
    """Predict the ratings at ``index``, in stars."""
    algorithm = import_optional("surprise").SVDpp(
        n_factors=params.factors, n_epochs=params.epochs, lr_all=params.learning_rate, reg_all=params.l2,
        random_state=params.seed, cache_ratings=True,
    )  # fmt: skip
    return predict_with_surprise(algorithm, histories, fit_end, index)

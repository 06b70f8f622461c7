"""Peer: biased matrix factorisation by stochastic gradients (Surprise; "Funk SVD")."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int64
from pydantic import Field

from reelgraph.baselines.external.surprise_adapter import predict_with_surprise
from reelgraph.baselines.registry import import_optional
from reelgraph.params.base import Section, Seed
from reelgraph.sequences.dataset import UserHistories


class Params(Section):
    """Numbers of the peer."""

    factors: int = Field(ge=1, le=1024)
    """Dimensions, 1 to 1024."""

    epochs: int = Field(ge=1)
    """Passes over the rows, 1 or more."""

    learning_rate: float = Field(gt=0)
    """Step size, above 0."""

    l2: float = Field(ge=0)
    """Weight of the squared numbers, 0 or more."""

    seed: Seed
    """Seed of the start."""


def predict(
    histories: UserHistories,
    fit_end: Int64[np.ndarray, " users"],
    index: Int64[np.ndarray, " n"],
    params: Params,
) -> Float[np.ndarray, " n"]:
    """Predict the ratings at ``index``, in stars."""
    algorithm = import_optional("surprise").SVD(
        n_factors=params.factors, n_epochs=params.epochs, lr_all=params.learning_rate, reg_all=params.l2,
        random_state=params.seed,
    )  # fmt: skip
    return predict_with_surprise(algorithm, histories, fit_end, index)

"""The validation targets that fits are measured on: of many, a sample."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int64

from reelgraph.core.seeds import generator, subsample
from reelgraph.sequences.dataset import UserHistories

MAX_VALIDATION_TARGETS = 20_000
"""Most validation targets that a fit predicts. ``evaluate`` predicts all."""


def sample_validation_targets(histories: UserHistories, seed: int) -> Int64[np.ndarray, " targets"]:
    """Return the validation targets, or, of more than ``MAX_VALIDATION_TARGETS``, a random sample."""
    return subsample(histories.val, MAX_VALIDATION_TARGETS, generator(seed, "validation_targets"))

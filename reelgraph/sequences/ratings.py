"""The ratings of histories, as numbers to compute with."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int64

from reelgraph.core.rating_scale import from_codes, to_scaled
from reelgraph.sequences.arrays import Histories


def scaled(histories: Histories, index: Int64[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """Return the scaled ratings (0 … 1, float32) at ``index``."""
    return to_scaled(from_codes(histories.code[index].astype(np.float32)))


def stars(histories: Histories, index: Int64[np.ndarray, "n"]) -> Float[np.ndarray, "n"]:
    """Return the ratings at ``index`` in stars, float64."""
    return from_codes(histories.code[index].astype(np.float64))

"""Peer fm_recent: the Bayesian factorisation machine, moved towards what bias_recent says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from reelgraph.core.rating_scale import MAX_STARS, MIN_STARS
from reelgraph.evaluation.io import BaselinePredictions

Stars = Float[np.ndarray, " targets"]


@dataclass(frozen=True)
class Blend:
    """Predictions of the first, moved by a share of the way to those of the second."""

    weight: float

    def apply(self, first: Stars, second: Stars) -> Stars:
        """Return the blended predictions, in stars."""
        return (first + self.weight * (second - first)).clip(MIN_STARS, MAX_STARS)


def fit_blend(actual: Stars, first: Stars, second: Stars) -> Blend:
    """Return the share, 0 to 1, with the least squared error."""
    apart = second - first
    square = float(apart @ apart)
    share = float((actual - first) @ apart) / square if square else 0.0
    return Blend(min(max(share, 0.0), 1.0))


def blend_predictions(
    actual: Stars, first: BaselinePredictions, second: BaselinePredictions
) -> tuple[Blend, BaselinePredictions]:
    """Choose the share on the validation targets (``actual``), blend all predictions with it."""
    blend = fit_blend(actual, first.val, second.val)
    test = {rows: blend.apply(said, second.test[rows]) for rows, said in first.test.items()}
    return blend, BaselinePredictions(blend.apply(first.val, second.val), test)

"""The external baseline fm_recent: a blend of the Bayesian factorization machine and bias_recent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from reelgraph.core.rating_scale import MAX_STARS, MIN_STARS
from reelgraph.evaluation.io import ModelPredictions

Stars = Float[np.ndarray, " targets"]


@dataclass(frozen=True)
class Blend:
    """Linear interpolation between two predictions."""

    weight: float
    """Weight of the second, 0 to 1."""

    def apply(self, first: Stars, second: Stars) -> Stars:
        """Return the blended predictions, in stars."""
        return (first + self.weight * (second - first)).clip(MIN_STARS, MAX_STARS)


def fit_blend(actual: Stars, first: Stars, second: Stars) -> Blend:
    """Return the blend with the least squared error."""
    difference = second - first
    square = float(difference @ difference)
    weight = float((actual - first) @ difference) / square if square else 0.0
    return Blend(min(max(weight, 0.0), 1.0))


def blend_predictions(
    actual: Stars, first: ModelPredictions, second: ModelPredictions
) -> tuple[Blend, ModelPredictions]:
    """Fit a blend on the validation targets, whose ratings are ``actual``, and apply it to all targets."""
    blend = fit_blend(actual, first.val, second.val)
    test = {rows: blend.apply(stars, second.test[rows]) for rows, stars in first.test.items()}
    return blend, ModelPredictions(blend.apply(first.val, second.val), test)

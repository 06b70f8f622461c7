"""Are the probabilities of the half stars right: coverage, width and likelihood."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int64

LEVELS = {"80": 0.8, "95": 0.95}
STEP = 0.5


def of_probabilities(
    codes: Int64[np.ndarray, " targets"], probabilities: Float[np.ndarray, "targets 10"]
) -> dict[str, float]:
    """Return, for the central 80 % and 95 % intervals, coverage and mean width, and the log-likelihood.

    An interval goes from the first half star where the cumulative probability passes (1 − level) / 2 to
    the first where it reaches (1 + level) / 2. Half stars are coarse, so coverage lies above the level.

    Args:
        codes: half-star codes given, 1 … 10.
        probabilities: of the ten half stars.
    """
    cumulative = np.cumsum(probabilities, axis=1)
    found = {}
    for name, level in LEVELS.items():
        low = (cumulative <= (1 - level) / 2).sum(axis=1) + 1
        high = np.minimum((cumulative < (1 + level) / 2).sum(axis=1) + 1, 10)
        found[f"coverage_{name}"] = float(((codes >= low) & (codes <= high)).mean())
        found[f"width_{name}"] = float((high - low).mean() * STEP)
    given = probabilities[np.arange(len(codes)), codes - 1]
    return found | {"log_likelihood": float(np.log(np.maximum(given, 1e-12)).mean())}

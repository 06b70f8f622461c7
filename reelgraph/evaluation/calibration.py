"""Does a prediction of four stars mean four stars: predicted against mean actual by bin."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int64

from reelgraph.core.rating_scale import N_CODES, STEP
from reelgraph.evaluation.intervals import interval, resampled_means

Stars = Float[np.ndarray, " targets"]


def calibration(
    user: Int64[np.ndarray, " targets"], actual: Stars, predicted: Stars, seed: int
) -> dict[str, dict[str, int | float] | float]:
    """Compare mean prediction and mean rating of the targets whose prediction rounds to the same half star.

    Args:
        user: the user of each target.
        actual: stars given.
        predicted: stars predicted.
        seed: of the bootstrap.

    Returns:
        ``bin_01`` … ``bin_10`` for 0.5 … 5 stars, without empty ones: ``n_targets``, ``predicted``,
        ``actual`` and its 95 % interval over users; and ``error``, the mean distance of both, weighted by
        targets, in stars.
    """
    half = np.rint(predicted / STEP).clip(1, N_CODES).astype(np.int64)
    found: dict[str, dict[str, int | float] | float] = {}
    error = 0.0
    for code in np.unique(half):
        mine = half == code
        low, high = interval(resampled_means(user[mine], actual[mine, None], seed)[:, 0])
        means = {"predicted": float(predicted[mine].mean()), "actual": float(actual[mine].mean())}
        found[f"bin_{code:02d}"] = {
            "n_targets": int(mine.sum()), **means, "actual_low": low, "actual_high": high
        }  # fmt: skip
        error += abs(means["predicted"] - means["actual"]) * mine.mean()
    return found | {"error": float(error)}

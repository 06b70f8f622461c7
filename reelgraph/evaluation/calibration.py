"""Calibration: mean rating by prediction."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from reelgraph.core.rating_scale import N_CODES, STAR_STEP
from reelgraph.evaluation.intervals import Clusters, bootstrap_means, interval_columns

Stars = Float[np.ndarray, " targets"]


def calibration(
    clusters: Clusters, actual: Stars, predicted: Stars, seed: int
) -> dict[str, dict[str, int | float]]:
    """Compare the mean prediction with the mean rating of the targets that round to the same half star.

    Args:
        clusters: users of the targets, and perhaps movies.
        actual: ratings.
        predicted: predicted ratings.
        seed: seed of the bootstrap.

    Returns:
        ``0.5`` … ``5.0`` stars, without empty bins: ``n_targets``, mean ``predicted``, mean ``actual`` and
        its 95 % interval.
    """
    code = np.rint(predicted / STAR_STEP).clip(1, N_CODES).astype(np.int64)
    bins: dict[str, dict[str, int | float]] = {}
    for bin_code in np.unique(code):
        in_bin = code == bin_code
        means = bootstrap_means(clusters.select(in_bin), actual[in_bin, None], seed)[:, 0]
        bins[f"{bin_code * STAR_STEP:.1f}"] = {
            "n_targets": int(in_bin.sum()),
            "predicted": float(predicted[in_bin].mean()),
            "actual": float(actual[in_bin].mean()),
            **interval_columns({"actual": means}),
        }
    return bins


def expected_calibration_error(bins: Mapping[str, Mapping[str, int | float]]) -> float:
    """Return the mean absolute difference between predicted and actual, weighted by targets, in stars.

    Naeini et al. 2015, "Obtaining Well Calibrated Probabilities Using Bayesian Binning".

    Args:
        bins: as ``calibration`` returns them.
    """
    n_targets = sum(row["n_targets"] for row in bins.values())
    return sum(row["n_targets"] / n_targets * abs(row["predicted"] - row["actual"]) for row in bins.values())

"""Does a prediction of four stars mean four stars: predicted against mean actual by bin."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int64

from reelgraph.core.rating_scale import N_CODES, STAR_STEP
from reelgraph.evaluation.intervals import bootstrap_means, percentile_interval

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
    half = np.rint(predicted / STAR_STEP).clip(1, N_CODES).astype(np.int64)
    found: dict[str, dict[str, int | float] | float] = {}
    error = 0.0
    for code in np.unique(half):
        mine = half == code
        low, high = percentile_interval(bootstrap_means(user[mine], actual[mine, None], seed)[:, 0])
        means = {"predicted": float(predicted[mine].mean()), "actual": float(actual[mine].mean())}
        found[f"bin_{code:02d}"] = {
            "n_targets": int(mine.sum()), **means, "actual_ci_low": low, "actual_ci_high": high
        }  # fmt: skip
        error += abs(means["predicted"] - means["actual"]) * mine.mean()
    return found | {"ece": float(error)}


LEVELS = {"80": 0.8, "95": 0.95}
WIDTH_STEP = 0.5


def interval_metrics(
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
        found[f"width_{name}"] = float((high - low).mean() * WIDTH_STEP)
    given = probabilities[np.arange(len(codes)), codes - 1]
    return found | {"log_likelihood": float(np.log(np.maximum(given, 1e-12)).mean())}

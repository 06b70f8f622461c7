"""The figures of the rater and of the baselines, as they stand in the metrics files."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float, Int64

from reelgraph.baselines.means import user_means
from reelgraph.evaluation.bound import bound
from reelgraph.evaluation.leak import refuse_below_bound
from reelgraph.histories.arrays import Histories
from reelgraph.histories.batches import stars
from reelgraph.metrics import mae, mse, rmse

Stars = Float[np.ndarray, "targets"]


def errors(actual: Stars, predicted: Stars) -> dict[str, float]:
    """Return RMSE and MAE, in stars."""
    return {"rmse": rmse(actual, predicted), "mae": mae(actual, predicted)}


def of_rater(
    histories: Histories, val: Float[np.ndarray, "val"], test: Float[np.ndarray, "test"]
) -> dict[str, dict[str, float]]:
    """Return the rater's errors on both splits, and by how much it betters the user mean.

    ``test.improvement_pct`` = (user mean's RMSE − rater's) / user mean's RMSE × 100.
    """
    actual = stars(histories, histories.test)
    user_mean = rmse(actual, user_means(histories)[histories.users_of(histories.test)])
    found = errors(actual, test) | {"mse": mse(actual, test), "n_targets": len(test)}
    found["improvement_pct"] = (user_mean - found["rmse"]) / user_mean * 100
    return {"test": found, "val": errors(stars(histories, histories.val), val)}


def of_bound(
    truth: Mapping[str, np.ndarray],
    histories: Histories,
    movie_id: Int64[np.ndarray, "movies"],
    test: Float[np.ndarray, "test"],
    seed: int,
) -> dict[str, dict[str, float]]:
    """Return, for generated data, the RMSE that nobody can better; nothing for real data.

    Raises:
        TrainingError: the rater betters it by more than chance, so it has seen the answers.
    """
    if not truth:
        return {}
    actual = stars(histories, histories.test)
    best = bound(truth, histories, movie_id)
    refuse_below_bound(histories.users_of(histories.test), actual, test, best.posterior_mean, seed)
    known = {"rmse": rmse(actual, best.posterior_mean), "noise_rmse": rmse(actual, best.noise_mean)}
    return {"bound": known}

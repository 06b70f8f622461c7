"""The figures of the rater and of the baselines, as they stand in the metrics files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int64

from reelgraph.baselines.means import user_means
from reelgraph.evaluation.bound import bound
from reelgraph.evaluation.intervals import paired_rmse, rmse_interval
from reelgraph.evaluation.leak import refuse_below_bound
from reelgraph.evaluation.uncertainty import of_probabilities
from reelgraph.histories.arrays import Fit, Histories
from reelgraph.histories.batches import stars
from reelgraph.metrics import mae, mse, rmse
from reelgraph.raters.rater import Prediction
from reelgraph.seeds import derive

Stars = Float[np.ndarray, " targets"]


@dataclass(frozen=True)
class Judged:
    """Everything that is known of the predictions; errors in stars."""

    actual: Stars
    rater: dict[str, object]
    """As in metrics/rater.json."""
    baselines: dict[str, object]
    """As in metrics/baselines.json."""
    bars: dict[str, dict[str, float]]
    """RMSE and MAE of the rater and of each baseline, by the fit that counts."""


def judge(
    histories: Histories,
    val: Prediction,
    said: Mapping[Fit, Prediction],
    others: Mapping[str, Mapping[Fit, Stars]],
    fit: Fit,
    seed: int,
) -> Judged:
    """Compare predictions with what was given.

    Args:
        histories: ratings and targets.
        val: the rater's predictions of the validation targets, fitted on training rows.
        said: its predictions of the test targets, by the rows that it was fitted on.
        others: the same of each baseline.
        fit: ``train`` or ``train_val``: the fit whose figures count.
        seed: root seed, of the bootstrap.
    """
    actual = stars(histories, histories.test)
    user, draws = histories.users_of(histories.test), derive(seed, "bootstrap")
    final = np.square(said[fit].stars - actual)
    baselines: dict[str, object] = {}
    for name, fits in others.items():
        low, high = paired_rmse(user, final, np.square(fits[fit] - actual), draws)
        each: dict[str, dict[str, float]] = {rows: errors(actual, other) for rows, other in fits.items()}
        paired = {"rater_minus_low": low, "rater_minus_high": high}
        baselines[name] = each[fit] | paired | each
    bars = {name: errors(actual, fits[fit]) for name, fits in others.items()}
    test = {**_of_test(histories, said[fit], draws)}
    test |= {rows: errors(actual, prediction.stars) for rows, prediction in said.items()}
    rater = {"test": test, "val": _of_val(histories, val)} | _of_intervals(histories, said[fit])
    return Judged(actual, rater, baselines, {"rater": errors(actual, said[fit].stars), **bars})


def errors(actual: Stars, predicted: Stars) -> dict[str, float]:
    """Return RMSE and MAE, in stars."""
    return {"rmse": rmse(actual, predicted), "mae": mae(actual, predicted)}


def _of_test(histories: Histories, said: Prediction, draws: int) -> dict[str, object]:
    """Errors with a 95 % interval over users, and by how much the user mean's RMSE is bettered."""
    actual, user = stars(histories, histories.test), histories.users_of(histories.test)
    low, high = rmse_interval(user, np.square(said.stars - actual), draws)
    user_mean = rmse(actual, user_means(histories, histories.fit_end("train"))[user])
    return {
        **errors(actual, said.stars),
        "mse": mse(actual, said.stars),
        "rmse_low": low,
        "rmse_high": high,
        "n_targets": len(actual),
        "improvement_pct": (user_mean - rmse(actual, said.stars)) / user_mean * 100,
    }


def _of_val(histories: Histories, val: Prediction) -> dict[str, float]:
    return errors(stars(histories, histories.val), val.stars)


def _of_intervals(histories: Histories, said: Prediction) -> dict[str, dict[str, float]]:
    if said.probabilities is None:
        return {}
    codes = histories.code[histories.test].astype(np.int64)
    return {"interval": of_probabilities(codes, said.probabilities)}


def of_bound(
    truth: Mapping[str, np.ndarray],
    histories: Histories,
    movie_id: Int64[np.ndarray, " movies"],
    test: Stars,
    seed: int,
) -> dict[str, dict[str, float]]:
    """Return, for generated data, the RMSE that nobody can better; nothing for real data.

    Raises:
        TrainingError: the rater betters it by more than chance, so it has seen the answers.
    """
    if not truth:
        return {}
    actual, user = stars(histories, histories.test), histories.users_of(histories.test)
    best = bound(truth, histories, movie_id)
    refuse_below_bound(user, actual, test, best.posterior_mean, derive(seed, "bootstrap"))
    known = {"rmse": rmse(actual, best.posterior_mean), "noise_rmse": rmse(actual, best.noise_mean)}
    return {"bound": known}

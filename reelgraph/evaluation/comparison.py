"""The figures of the rater and of the baselines, as they stand in the metrics files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int64

from reelgraph.baselines.biases import user_means
from reelgraph.core.metrics import mae, mse, rmse
from reelgraph.core.seeds import derive_seed
from reelgraph.evaluation.bayes_bound import bayes_predictions, check_no_leak
from reelgraph.evaluation.calibration import interval_metrics
from reelgraph.evaluation.intervals import bootstrap_means, percentile_interval
from reelgraph.evaluation.io import BaselinePredictions
from reelgraph.raters.rater import Prediction
from reelgraph.sequences.dataset import Fit, UserHistories, star_ratings

Stars = Float[np.ndarray, " targets"]
Errors = dict[str, float]


@dataclass(frozen=True)
class Evaluation:
    """Everything that is known of the predictions; errors in stars."""

    actual: Stars
    rater: dict[str, object]
    """As in metrics/rater.json."""
    baselines: dict[str, object]
    """As in metrics/baselines.json."""
    bars: dict[str, Errors]
    """RMSE and MAE of the rater and of each baseline, by the fit that counts."""


def evaluate(
    histories: UserHistories,
    val: Prediction,
    said: Mapping[Fit, Prediction],
    others: Mapping[str, BaselinePredictions],
    fit: Fit,
    seed: int,
) -> Evaluation:
    """Compare predictions with what was given.

    Args:
        histories: ratings and targets.
        val: the rater's predictions of the validation targets, fitted on training rows.
        said: its predictions of the test targets, by the rows that it was fitted on.
        others: what each baseline said.
        fit: ``train`` or ``train_val``: the fit whose figures count.
        seed: root seed, of the bootstrap.
    """
    actual, own = star_ratings(histories, histories.test), said[fit].stars
    each = errors_with_intervals(
        histories, {"rater": own} | {n: o.test[fit] for n, o in others.items()}, seed
    )
    test = each.pop("rater") | _of_test(histories, own)
    test |= {rows: errors(actual, prediction.stars) for rows, prediction in said.items()}
    rater = {"test": test, "val": _of_val(histories, val)} | _of_intervals(histories, said[fit])
    baselines: dict[str, object] = {n: each[n] | _of_fits(histories, other) for n, other in others.items()}
    bars = {name: errors(actual, other.test[fit]) for name, other in others.items()}
    return Evaluation(actual, rater, baselines, {"rater": errors(actual, own), **bars})


def compare_with_rater(
    histories: UserHistories, rater: Stars, others: Mapping[str, BaselinePredictions], fit: Fit, seed: int
) -> dict[str, object]:
    """Return other models' figures as in metrics/baselines.json, beside the rater's by ``fit``."""
    each = errors_with_intervals(
        histories, {"rater": rater} | {n: o.test[fit] for n, o in others.items()}, seed
    )
    return {name: each[name] | _of_fits(histories, other) for name, other in others.items()}


def errors(actual: Stars, predicted: Stars) -> Errors:
    """Return RMSE and MAE, in stars."""
    return {"rmse": rmse(actual, predicted), "mae": mae(actual, predicted)}


def errors_with_intervals(
    histories: UserHistories, models: Mapping[str, Stars], seed: int
) -> dict[str, dict[str, object]]:
    """Return each model's RMSE and MAE on the test targets with 95 % intervals over users.

    For every model but ``rater`` the paired intervals of the rater's error minus its own stand
    beside them: ``rmse_diff_ci_low``, ``rmse_diff_ci_high`` (RMSE), ``mae_diff_ci_low``, ….

    Args:
        histories: ratings and targets.
        models: predictions of the test targets in stars, those of ``rater`` among them.
        seed: root seed, of the bootstrap.
    """
    actual, user = star_ratings(histories, histories.test), histories.users_of(histories.test)
    off = np.stack([predicted - actual for predicted in models.values()], axis=1)
    means = bootstrap_means(user, np.hstack([off**2, np.abs(off)]), derive_seed(seed, "bootstrap"))
    split = len(models)
    means[:, :split] = np.sqrt(means[:, :split])
    drawn = {name: means[:, [i, split + i]] for i, name in enumerate(models)}
    found: dict[str, dict[str, object]] = {}
    for name, predicted in models.items():
        found[name] = {**errors(actual, predicted), **_bounds(drawn[name], "rmse", "mae")}
        if name != "rater":
            found[name] |= _bounds(drawn["rater"] - drawn[name], "rmse_diff", "mae_diff")
    return found


def _bounds(drawn: Float[np.ndarray, "resamples 2"], *names: str) -> Errors:
    found = {}
    for name, values in zip(names, drawn.T, strict=True):
        found[f"{name}_ci_low"], found[f"{name}_ci_high"] = percentile_interval(values)
    return found


def _of_test(histories: UserHistories, said: Stars) -> dict[str, object]:
    """Return the rest: MSE, targets, and by how much the user mean's RMSE is bettered."""
    actual, user = star_ratings(histories, histories.test), histories.users_of(histories.test)
    user_mean = rmse(actual, user_means(histories, histories.fit_end("train"))[user])
    return {
        "mse": mse(actual, said),
        "n_targets": len(actual),
        # Where a person's mean errs nowhere, there is nothing to better.
        "improvement_pct": (user_mean - rmse(actual, said)) / user_mean * 100 if user_mean else 0.0,
    }


def _of_fits(histories: UserHistories, other: BaselinePredictions) -> dict[str, object]:
    """Return a baseline's RMSE on the validation targets, and its test errors by either fit."""
    actual = star_ratings(histories, histories.test)
    fits: dict[str, Errors] = {rows: errors(actual, predicted) for rows, predicted in other.test.items()}
    return {"val_rmse": rmse(star_ratings(histories, histories.val), other.val), **fits}


def _of_val(histories: UserHistories, val: Prediction) -> Errors:
    return errors(star_ratings(histories, histories.val), val.stars)


def _of_intervals(histories: UserHistories, said: Prediction) -> dict[str, Errors]:
    if said.probabilities is None:
        return {}
    codes = histories.half_star_code[histories.test].astype(np.int64)
    return {"interval": interval_metrics(codes, said.probabilities)}


def bayes_bound_metrics(
    truth: Mapping[str, np.ndarray],
    histories: UserHistories,
    movie_id: Int64[np.ndarray, " movies"],
    test: Stars,
    seed: int,
) -> dict[str, float]:
    """Return, for generated data, the RMSE that nobody can better; nothing for real data.

    Raises:
        TrainingError: the rater betters it by more than chance, so it has seen the answers.
    """
    if not truth:
        return {}
    actual, user = star_ratings(histories, histories.test), histories.users_of(histories.test)
    best = bayes_predictions(truth, histories, movie_id)
    check_no_leak(user, actual, test, best.posterior, derive_seed(seed, "bootstrap"))
    return {"bayes_rmse": rmse(actual, best.posterior), "oracle_rmse": rmse(actual, best.oracle)}

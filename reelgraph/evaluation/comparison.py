"""Errors of the rater and the baselines with confidence intervals, as the metrics files hold them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int64

from reelgraph.baselines.biases import user_means
from reelgraph.core.metrics import mae, mse, rmse
from reelgraph.core.schemas.reports import round_figures, write_metrics, write_report
from reelgraph.core.seeds import derive_seed
from reelgraph.evaluation.bayes_bound import bayes_predictions, check_no_leak
from reelgraph.evaluation.intervals import Clusters, bootstrap_means, compare_with_reference, target_clusters
from reelgraph.evaluation.io import ModelPredictions
from reelgraph.evaluation.probabilities import prediction_set_metrics, probability_metrics
from reelgraph.raters.rater import Prediction
from reelgraph.sequences.dataset import Fit, UserHistories, star_ratings

Stars = Float[np.ndarray, " targets"]
Row = dict[str, float]
"""Figure → stars: ``rmse``, ``rmse_low``, ``rmse_high``, … as docs/metrics.md defines them."""


@dataclass(frozen=True)
class Evaluation:
    """Metrics of all predictions; errors in stars."""

    actual: Stars
    """Ratings of the test targets."""
    models: dict[str, Row]
    """Content of reports/models.tsv, the rater first."""
    rater: dict[str, float | int]
    """Further figures of the rater, which join its row."""


def evaluate(
    histories: UserHistories,
    val: Prediction,
    test: Mapping[Fit, Prediction],
    baselines: Mapping[str, ModelPredictions],
    fit: Fit,
    seed: int,
) -> Evaluation:
    """Compare the predictions with the ratings.

    Args:
        histories: ratings and targets.
        val: the rater's predictions of the validation targets, fitted on training rows.
        test: its predictions of the test targets, by the rows that it was fitted on.
        baselines: predictions of the baselines.
        fit: ``train`` or ``train_val``: the fit whose errors are reported.
        seed: root seed, of the bootstrap.
    """
    rater = ModelPredictions(val.stars, {name: prediction.stars for name, prediction in test.items()})
    models = errors_of_models(histories, {"rater": rater, **baselines}, fit, seed)
    val_mae = mae(star_ratings(histories, histories.val), val.stars)
    figures = _test_metrics(histories, test[fit].stars, fit) | {"val_mae": val_mae}
    figures |= _probability_metrics(histories, test[fit])
    return Evaluation(star_ratings(histories, histories.test), models, figures)


def rater_metrics(models: Mapping[str, Row], rater: Mapping[str, float | int]) -> dict[str, Any]:
    """Return the content of metrics/rater.json: the most important figures of the rater.

    Args:
        models: rows of all models, as in ``Evaluation``.
        rater: further figures of the rater; those that a rater or data source lacks are left out.
    """
    row = round_figures(models["rater"])
    metrics = {key: row[key] for key in ("rmse", "rmse_low", "rmse_high", "mae", "val_rmse")}
    return metrics | {key: rater[key] for key in ("coverage_80", "bayes_rmse") if key in rater}


def baseline_metrics(models: Mapping[str, Row]) -> dict[str, Any]:
    """Return the content of metrics/baselines.json: the baseline with the lowest validation RMSE.

    Args:
        models: rows of all models, as in ``Evaluation``.
    """
    baselines = {name: row for name, row in models.items() if name != "rater"}
    best = min(baselines, key=lambda name: (baselines[name]["val_rmse"], name))
    row = round_figures(baselines[best])
    return {"best": best} | {key: row[key] for key in ("rmse", "rmse_low", "rmse_high", "mae", "val_rmse")}


def write_evaluation(models: Mapping[str, Row], rater: Mapping[str, float | int]) -> None:
    """Write the metrics and the tables of the rater and the baselines.

    Args:
        models: rows of all models, as in ``Evaluation``.
        rater: further figures of the rater.
    """
    write_report("models", {**models, "rater": {**models["rater"], **rater}})
    write_metrics(rater_metrics(models, rater), "metrics/rater.json")
    write_metrics(baseline_metrics(models), "metrics/baselines.json")


def errors_of_models(
    histories: UserHistories, models: Mapping[str, ModelPredictions], fit: Fit, seed: int
) -> dict[str, Row]:
    """Return each model's errors with their intervals; see ``errors_with_intervals``.

    Args:
        histories: ratings and targets.
        models: their predictions.
        fit: ``train`` or ``train_val``: the fit whose errors are reported.
        seed: root seed, of the bootstrap.
    """
    actual = star_ratings(histories, histories.test)
    stars = {name: model.test[fit] for name, model in models.items()}
    rows = errors_with_intervals(target_clusters(histories, histories.test), actual, stars, seed)
    return {name: rows[name] | _errors_by_fit(histories, model) for name, model in models.items()}


def errors(actual: Stars, predicted: Stars) -> Row:
    """Return RMSE and MAE, in stars."""
    return {"rmse": rmse(actual, predicted), "mae": mae(actual, predicted)}


def errors_with_intervals(
    clusters: Clusters, actual: Stars, models: Mapping[str, Stars], seed: int
) -> dict[str, Row]:
    """Return each model's RMSE and MAE on the test targets with 95 % intervals.

    Beside ``rater``, every other model also gets the paired intervals of the rater's error minus its own:
    ``rmse_diff_low``, ``rmse_diff_high``, ``mae_diff_low`` and ``mae_diff_high``.

    Args:
        clusters: users of the targets, and perhaps movies.
        actual: the ratings.
        models: predictions in stars.
        seed: root seed, of the bootstrap.
    """
    residual = np.stack([predicted - actual for predicted in models.values()], axis=1)
    columns = np.hstack([residual**2, np.abs(residual)])
    means = bootstrap_means(clusters, columns, derive_seed(seed, "bootstrap")).T
    resampled = {
        name: {"rmse": np.sqrt(means[i]), "mae": means[len(models) + i]} for i, name in enumerate(models)
    }
    intervals = compare_with_reference(resampled, "rater")
    return {name: errors(actual, predicted) | intervals[name] for name, predicted in models.items()}


def _test_metrics(histories: UserHistories, stars: Stars, fit: Fit) -> dict[str, float | int]:
    """Return number of targets, MSE, and the improvement on the user mean of the same fit, in percent."""
    actual = star_ratings(histories, histories.test)
    user = histories.users_of(histories.test)
    user_mean_rmse = rmse(actual, user_means(histories, histories.fit_end(fit))[user])
    # A perfect user mean leaves nothing to improve.
    improvement = (user_mean_rmse - rmse(actual, stars)) / user_mean_rmse * 100 if user_mean_rmse else 0.0
    return {"n_targets": len(actual), "mse": mse(actual, stars), "improvement_pct": improvement}


def _errors_by_fit(histories: UserHistories, predictions: ModelPredictions) -> Row:
    """Return the validation RMSE of a model and its test errors by fit."""
    actual = star_ratings(histories, histories.test)
    row = {"val_rmse": rmse(star_ratings(histories, histories.val), predictions.val)}
    for fit, stars in predictions.test.items():
        row |= {f"{fit}_{name}": value for name, value in errors(actual, stars).items()}
    return row


def _probability_metrics(histories: UserHistories, prediction: Prediction) -> dict[str, float | int]:
    """Return scores, coverage and prediction sets of the probabilities; nothing without probabilities."""
    if prediction.probabilities is None:
        return {}
    codes = histories.half_star_code[histories.test].astype(np.int64)
    metrics = probability_metrics(codes, prediction.probabilities)
    return metrics | prediction_set_metrics(codes, prediction.probabilities)


def bayes_bound_metrics(
    truth: Mapping[str, np.ndarray],
    histories: UserHistories,
    movie_id: Int64[np.ndarray, " movies"],
    test: Stars,
    seed: int,
) -> dict[str, float]:
    """Return the lowest RMSE that is possible on generated data; nothing for real data.

    Args:
        truth: the ground truth of generated data; empty for real data.
        histories: ratings and targets; the result is empty if histories hold later ratings, too.
        movie_id: id of each movie row.
        test: the rater's predictions of the test targets.
        seed: root seed, of the bootstrap.

    Returns:
        ``bayes_rmse``: of the posterior mean given each user's history; ``oracle_rmse``: given the user's
        true state.

    Raises:
        TrainingError: the rater's RMSE is significantly lower, so it has seen the test ratings.
    """
    later_ratings = (histories.history_end(histories.test) != histories.test).any()
    if not truth or later_ratings:
        return {}
    actual = star_ratings(histories, histories.test)
    user = histories.users_of(histories.test)
    best = bayes_predictions(truth, histories, movie_id)
    check_no_leak(user, actual, test, best.posterior, derive_seed(seed, "bootstrap"))
    return {"bayes_rmse": rmse(actual, best.posterior), "oracle_rmse": rmse(actual, best.oracle)}

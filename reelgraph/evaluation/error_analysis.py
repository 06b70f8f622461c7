"""Error analysis of the rater: errors by slice, calibration, and perturbed inputs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from reelgraph.core.schemas.reports import write_report
from reelgraph.core.seeds import derive_seed
from reelgraph.evaluation import plots
from reelgraph.evaluation.calibration import calibration
from reelgraph.evaluation.intervals import target_clusters
from reelgraph.evaluation.io import ModelPredictions
from reelgraph.evaluation.perturbations import perturbation_tests
from reelgraph.evaluation.probabilities import (
    Probabilities,
    compare_probabilities,
    pit_histogram,
    probability_metrics_by_slice,
)
from reelgraph.evaluation.probability_baselines import probability_baselines
from reelgraph.evaluation.slices import compare_with_best_baseline, slice_labels
from reelgraph.raters.rater import Prediction, Rater
from reelgraph.sequences.dataset import Fit, UserHistories, star_ratings


def write_error_analysis(
    histories: UserHistories, raters: Mapping[Fit, Rater], fit: Fit, val: Prediction, prediction: Prediction,
    baselines: Mapping[str, ModelPredictions], year: Float[np.ndarray, " movies"], seed: int,
) -> None:  # fmt: skip
    """Write the tables of the error analysis to reports/, and the plot of the calibration.

    Args:
        histories: ratings and targets.
        raters: by the rows that they were fitted on; ``train`` among them.
        fit: rows of the rater whose test error is reported.
        val: predictions of the validation targets by the rater ``train``.
        prediction: predictions of the test targets by the rater ``fit``.
        baselines: predictions of the baselines.
        year: release year of each movie; NaN where unknown.
        seed: root seed.
    """
    bootstrap_seed = derive_seed(seed, "bootstrap")
    labels = slice_labels(histories, histories.fit_end(fit), histories.test, year)
    slices = compare_with_best_baseline(labels, histories, fit, prediction.stars, baselines, bootstrap_seed)
    actual = star_ratings(histories, histories.test)
    bins = calibration(target_clusters(histories, histories.test), actual, prediction.stars, bootstrap_seed)
    test_rows = perturbation_tests(
        raters[fit], histories, histories.fit_end(fit), histories.test, prediction.stars, seed
    )
    val_rows = perturbation_tests(
        raters["train"], histories, histories.fit_end("train"), histories.val, val.stars, seed
    )
    write_report("slices", slices)
    write_report("calibration", bins)
    perturbations = {name: {"test": row, "val": val_rows[name]} for name, row in test_rows.items()}
    write_report("perturbations", perturbations)
    models = probability_baselines(histories, baselines, fit)
    if prediction.probabilities is not None:
        models = {"rater": prediction.probabilities} | models
    _write_probability_reports(histories, models, labels, bootstrap_seed)
    plots.save_calibration(bins, "plots/evaluate/calibration.png")


def _write_probability_reports(
    histories: UserHistories, models: Mapping[str, Probabilities], labels: Mapping[str, np.ndarray], seed: int
) -> None:
    """Write the measures of all models' probabilities, and the rater's transform."""
    codes = histories.half_star_code[histories.test].astype(np.int64)
    intervals = compare_probabilities(target_clusters(histories, histories.test), codes, models, seed)
    rows = {name: probability_metrics_by_slice(labels, codes, values) for name, values in models.items()}
    for name, interval in intervals.items():
        rows[name]["all"]["all"] |= interval
    write_report("probabilities", rows)
    write_report("pit", pit_histogram(codes, models["rater"]) if "rater" in models else {})

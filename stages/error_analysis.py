"""Stage error_analysis: break the test error down by slice, check the calibration and perturb the inputs."""

from __future__ import annotations

import pyarrow.compute as pc

from reelgraph.core.schemas.movies import read_movies
from reelgraph.core.schemas.reports import write_report
from reelgraph.core.seeds import derive_seed
from reelgraph.core.torch_setup import configure_torch
from reelgraph.evaluation import io, plots
from reelgraph.evaluation.calibration import calibration, expected_calibration_error
from reelgraph.evaluation.perturbations import perturbation_tests
from reelgraph.evaluation.slices import compare_with_best_baseline
from reelgraph.params.evaluation import ErrorAnalysisParams
from reelgraph.raters.io import load_rater
from reelgraph.runtime.stage_runner import run_stage
from reelgraph.sequences.dataset import read_histories, star_ratings


def main(params: ErrorAnalysisParams) -> str:
    """Predict the test targets; write tables of slices, calibration and perturbation tests."""
    configure_torch(params.compute)
    release_year = read_movies("data/movies.parquet", ("release_year",))["release_year"]
    fit = params.evaluate.fit
    histories = read_histories("data/sequences", len(release_year))
    rater = load_rater("data/rater", fit)
    fit_end = histories.fit_end(fit)
    predictions = rater.predict(histories, fit_end, histories.test).stars
    baselines = io.read_baseline_predictions("data/baselines", list(params.baselines), histories)
    actual = star_ratings(histories, histories.test)
    users = histories.users_of(histories.test)
    bootstrap_seed = derive_seed(params.seed, "bootstrap")
    year = pc.cast(release_year, "float64").to_numpy()
    slices = compare_with_best_baseline(histories, fit, year, predictions, baselines, bootstrap_seed)
    bins = calibration(users, actual, predictions, bootstrap_seed)
    test_rows = perturbation_tests(rater, histories, fit_end, histories.test, params.seed)
    train_rater = load_rater("data/rater", "train")
    train_end = histories.fit_end("train")
    val_rows = perturbation_tests(train_rater, histories, train_end, histories.val, params.seed)
    perturbations = {name: {"test": row, "val": val_rows[name]} for name, row in test_rows.items()}
    write_report("slices", slices)
    write_report("calibration", bins)
    write_report("perturbations", perturbations)
    plots.save_calibration(bins, "plots/diagnose/calibration.png")
    increases = ", ".join(f"{name} {row['rmse_increase']:+.4f}" for name, row in test_rows.items())
    return f"RMSE increases: {increases}; calibration error {expected_calibration_error(bins):.4f} stars"


if __name__ == "__main__":
    run_stage("error_analysis", ErrorAnalysisParams, main)

"""Stage diagnose: rater, histories, baselines' predictions → slices, calibration and controls."""

from __future__ import annotations

import pyarrow.compute as pc

from reelgraph.core.seeds import derive_seed
from reelgraph.core.torch_setup import configure_torch
from reelgraph.evaluation import io, plots
from reelgraph.evaluation.calibration import calibration
from reelgraph.evaluation.perturbations import perturbation_tests
from reelgraph.evaluation.slices import compare_with_best_baseline
from reelgraph.params.evaluation import ErrorAnalysisParams
from reelgraph.raters.io import load_rater
from reelgraph.runtime.atomic_io import write_metrics
from reelgraph.runtime.stage_runner import run_stage
from reelgraph.schemas.movies import read_movies
from reelgraph.sequences.dataset import read_histories, star_ratings


def main(params: ErrorAnalysisParams) -> str:
    """Predict the test targets, whole and with something hidden; compare by kind of target."""
    configure_torch(params.compute)
    released = read_movies("data/movies.parquet", ("release_year",))["release_year"]
    fit, histories = params.evaluate.fit, read_histories("data/sequences", len(released))
    rater, end, index = load_rater("data/rater", fit), histories.fit_end(fit), histories.test
    said = rater.predict(histories, end, index).stars
    others = io.read_baseline_predictions("data/baselines", list(params.baselines), histories)
    actual, user, draws = (
        star_ratings(histories, index),
        histories.users_of(index),
        derive_seed(params.seed, "bootstrap"),
    )
    year = pc.cast(released, "float64").to_numpy()
    slices = compare_with_best_baseline(histories, fit, year, said, others, draws)
    calibrated = calibration(user, actual, said, draws)
    hidden = perturbation_tests(rater, histories, end, index, params.seed)
    first, rows = load_rater("data/rater", "train"), histories.fit_end("train")
    on_val = perturbation_tests(first, histories, rows, histories.val, params.seed)
    write_metrics(slices, "metrics/slices.json")
    write_metrics(calibrated, "metrics/calibration.json")
    write_metrics({k: {**row, "val": on_val[k]} for k, row in hidden.items()}, "metrics/perturbations.json")
    plots.calibration(calibrated, "plots/diagnose/calibration.png")
    costs = ", ".join(f"{name} {row['rmse_increase']:+.4f}" for name, row in hidden.items())
    return f"costs in RMSE: {costs}; calibration error {calibrated['ece']:.4f} stars"


if __name__ == "__main__":
    run_stage("error_analysis", ErrorAnalysisParams, main)

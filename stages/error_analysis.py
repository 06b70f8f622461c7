"""Stage diagnose: rater, histories, baselines' predictions → slices, calibration and controls."""

from __future__ import annotations

import pyarrow.compute as pc

from reelgraph.core.seeds import derive
from reelgraph.core.torch_setup import prepare
from reelgraph.evaluation import bundle, plots
from reelgraph.evaluation.calibration import calibration
from reelgraph.evaluation.controls import controls
from reelgraph.evaluation.slices import beside_best
from reelgraph.params.diagnose import DiagnoseParams
from reelgraph.raters.loading import load_rater
from reelgraph.runtime.atomic_io import write_metrics
from reelgraph.runtime.stage_runner import run
from reelgraph.schemas.movies import read_movies
from reelgraph.sequences.arrays import read_histories
from reelgraph.sequences.ratings import stars


def work(params: DiagnoseParams) -> str:
    """Predict the test targets, whole and with something hidden; compare by kind of target."""
    prepare(params.compute)
    released = read_movies("data/movies.parquet", ("release_year",))["release_year"]
    fit, histories = params.evaluate.fit, read_histories("data/histories", len(released))
    rater, end, index = load_rater("data/rater", fit), histories.fit_end(fit), histories.test
    said = rater.predict(histories, end, index).stars
    others = bundle.read_predictions("data/baselines", list(params.baselines), histories)
    actual, user, draws = stars(histories, index), histories.users_of(index), derive(params.seed, "bootstrap")
    year = pc.cast(released, "float64").to_numpy()
    slices = beside_best(histories, fit, year, said, others, draws)
    calibrated = calibration(user, actual, said, draws)
    hidden = controls(rater, histories, end, index, len(released), params.seed)
    first, rows = load_rater("data/rater", "train"), histories.fit_end("train")
    on_val = controls(first, histories, rows, histories.val, len(released), params.seed)
    write_metrics(slices, "metrics/slices.json")
    write_metrics(calibrated, "metrics/calibration.json")
    write_metrics({k: {**row, "val": on_val[k]} for k, row in hidden.items()}, "metrics/controls.json")
    plots.calibration(calibrated, "plots/diagnose/calibration.png")
    costs = ", ".join(f"{name} {row['cost']:+.4f}" for name, row in hidden.items())
    return f"costs in RMSE: {costs}; calibration error {calibrated['error']:.4f} stars"


if __name__ == "__main__":
    run("diagnose", DiagnoseParams, work)

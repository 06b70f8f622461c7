"""Stage external_baseline@NAME: histories → data/external_baselines/NAME/, predictions of the targets."""

from __future__ import annotations

import sys
from functools import partial

from reelgraph.baselines.registry import (
    PREDICT_PROBABILITIES,
    fit_and_predict,
    load_baseline,
    predicts_probabilities,
)
from reelgraph.core.metrics import rmse
from reelgraph.core.rating_scale import mean_stars
from reelgraph.runtime.atomic_io import write_arrays
from reelgraph.runtime.stage_runner import record_timing, run_stage
from reelgraph.sequences.dataset import read_histories, star_ratings
from studies.external_baselines.params import EXTERNAL_BASELINES_FILE, ExternalBaselineParams


def main(name: str, params: ExternalBaselineParams) -> str:
    """Predict the validation targets, and the test targets with each fit."""
    function = PREDICT_PROBABILITIES if predicts_probabilities(name) else "predict"
    predict = load_baseline(name, params.external_baselines[name], EXTERNAL_BASELINES_FILE, function=function)
    histories = read_histories("data/sequences")
    predictions = fit_and_predict(predict, histories, partial(record_timing, f"external_baseline@{name}"))
    probabilities = {}
    if function == PREDICT_PROBABILITIES:
        probabilities = {f"{rows}_probabilities": values for rows, values in predictions.items()}
        predictions = {rows: mean_stars(values) for rows, values in predictions.items()}
    write_arrays(predictions | probabilities, f"data/external_baselines/{name}")
    val_rmse = rmse(star_ratings(histories, histories.val), predictions["val"])
    return f"validation RMSE {val_rmse:.4f} stars"


if __name__ == "__main__":
    name = sys.argv[1]
    stage = f"external_baseline@{name}"
    run_stage(stage, ExternalBaselineParams, partial(main, name), EXTERNAL_BASELINES_FILE)

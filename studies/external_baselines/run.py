"""The study of external baselines: fits each, and measures it on the test targets → results.tsv.

Their predictions go to studies/external_baselines.tsv. Each report compares them with its rater: a comparison
here would outlive its rater.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import torch

from reelgraph.baselines.registry import (
    PREDICT_PROBABILITIES,
    fit_and_predict,
    load_baseline,
    predicts_probabilities,
)
from reelgraph.core.rating_scale import mean_stars
from reelgraph.core.schemas.movies import read_movie_ids
from reelgraph.core.schemas.reports import write_table
from reelgraph.core.target_rows import write_target_rows
from reelgraph.evaluation.comparison import errors_of_models
from reelgraph.evaluation.io import ModelPredictions, read_baseline_predictions, target_columns
from reelgraph.evaluation.probabilities import probability_metrics
from reelgraph.report.external_baselines import EXTERNAL_PREDICTIONS
from reelgraph.runtime.checkpointing import resumable
from reelgraph.runtime.stage_runner import record_timing
from reelgraph.sequences.dataset import FITS, UserHistories, read_histories, star_ratings
from studies.external_baselines.blend import blend_predictions
from studies.external_baselines.params import EXTERNAL_BASELINES_FILE, ExternalBaselineParams
from studies.study import run_study

NAME = "external_baselines"
CONTENT = ("data/movies.parquet", "data/kg", "data/text_vectors.parquet", "data/emb_kg_gnn.parquet")
INPUTS = ("data/sequences", "data/baselines", *CONTENT)


def main(params: ExternalBaselineParams) -> str:
    """Measure the external baselines, and a blend of bayesian_fm and bias_recent."""
    movie_id = read_movie_ids("data/movies.parquet")
    histories = read_histories("data/sequences", len(movie_id))
    codes = histories.half_star_code[histories.test].astype(np.int64)
    baselines = {}
    probabilities = {}
    for name in params.external_baselines:
        predictions = predict(name, params, histories)
        if predicts_probabilities(name):
            probabilities[name] = probability_metrics(codes, predictions[params.evaluate.fit])
            predictions = {rows: mean_stars(values) for rows, values in predictions.items()}
        baselines[name] = ModelPredictions(predictions["val"], {rows: predictions[rows] for rows in FITS})
    recent = read_baseline_predictions("data/baselines", ["bias_recent"], histories)["bias_recent"]
    actual = star_ratings(histories, histories.val)
    blend, baselines["fm_recent"] = blend_predictions(actual, baselines["bayesian_fm"], recent)
    metrics = errors_of_models(histories, baselines, params.evaluate.fit, params.seed)
    for name, values in probabilities.items():
        metrics[name] |= values
    write_table(metrics, ["model"], f"studies/{NAME}/results.tsv")
    columns = {
        f"{name}.{fit}": stars for name, baseline in baselines.items() for fit, stars in baseline.test.items()
    }
    write_target_rows(target_columns(histories, movie_id, columns), 2, EXTERNAL_PREDICTIONS)
    return f"{len(metrics)} external baselines; weight of bias_recent in fm_recent {blend.weight:.2f}"


def predict(name: str, params: ExternalBaselineParams, histories: UserHistories) -> dict[str, np.ndarray]:
    """Return what ``fit_and_predict`` returns; that of an earlier run if nothing differs."""
    values: dict[str, Any] = params.external_baselines[name]
    function = PREDICT_PROBABILITIES if predicts_probabilities(name) else "predict"
    with resumable(f"{NAME}/{name}", params, ["data/sequences", *CONTENT]) as checkpoints:
        result = checkpoints.result("predictions", values)
        if not result.completed:
            baseline = load_baseline(name, values, EXTERNAL_BASELINES_FILE, function=function)
            predictions = fit_and_predict(baseline, histories, partial(record_timing, f"{NAME}/{name}"))
            result.tensors = {rows: torch.from_numpy(stars) for rows, stars in predictions.items()}
            result.save(1, result.tensors)
    return {rows: tensor.numpy() for rows, tensor in result.tensors.items()}


if __name__ == "__main__":
    run_study(NAME, ExternalBaselineParams, main, INPUTS)

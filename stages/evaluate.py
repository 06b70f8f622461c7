"""Stage evaluate: rater, histories, baselines' predictions → metrics, plots, examples, data/model/."""

from __future__ import annotations

import numpy as np

from reelgraph.core.torch_setup import CPU, configure_torch, device_suffix
from reelgraph.evaluation import comparison, examples, io, plots
from reelgraph.evaluation.io import predict_targets, prediction_table
from reelgraph.evaluation.model_card import model_card
from reelgraph.params.evaluation import EvaluateParams
from reelgraph.raters.io import load_rater, read_rater_config
from reelgraph.raters.registry import find_rater
from reelgraph.runtime.atomic_io import write_json, write_metrics, write_parquet, write_text
from reelgraph.runtime.stage_runner import run_stage
from reelgraph.schemas.kg import read_kg
from reelgraph.schemas.movies import read_movies
from reelgraph.schemas.records import TrainingHistory, read_record
from reelgraph.sequences.dataset import FITS, read_histories


def main(params: EvaluateParams) -> str:
    """Predict, compare, and write metrics, plots, predictions, examples and the final model."""
    device = configure_torch(params.compute)
    movies = read_movies("data/movies.parquet", ("movie_id", "original_title"))
    movie_id = movies["movie_id"].to_numpy()
    fit, histories = params.evaluate.fit, read_histories("data/sequences", len(movie_id))
    raters = {rows: load_rater("data/rater", rows, device=device) for rows in FITS}
    val, said = predict_targets(raters, histories)
    others = io.read_baseline_predictions("data/baselines", list(params.baselines), histories)
    judged = comparison.evaluate(histories, val, said, others, fit, params.seed)
    truth, final = io.read_truth("data/truth"), said[fit].stars
    bound = comparison.bayes_bound_metrics(truth, histories, movie_id, final, params.seed)
    best_epoch = read_record("data/rater/history.json", TrainingHistory).best_epoch
    rater = {**judged.rater, **bound, "parameters": raters[fit].parameter_count, "best_epoch": best_epoch}
    titles = examples.titles(movies["original_title"].to_pylist(), movie_id)
    known = examples.MovieInfo(titles, read_kg("data/kg"))
    chosen = examples.select(judged.actual, final, params.evaluate.examples)
    index = histories.test[np.concatenate(list(chosen.values()))]
    reasons = examples.reasons(raters[fit], histories, histories.fit_end(fit), index)
    write_metrics(rater, "metrics/rater.json")
    write_metrics(judged.baselines, "metrics/baselines.json")
    plots.predicted_vs_actual(judged.actual, final, "plots/evaluate/predicted_actual.png")
    plots.error_histogram(judged.actual, final, "plots/evaluate/errors.png")
    plots.model_comparison(judged.bars, "plots/evaluate/baselines.png")
    write_parquet(prediction_table(histories, final, movie_id), "data/predictions.parquet")
    shown = examples.to_records(histories, chosen, final, reasons, known)
    write_json(shown, "data/examples.json")
    write_text(examples.markdown(shown["spread"]), "plots/examples.md")
    config = read_rater_config("data/rater")
    card = model_card(histories, fit, config, judged, params.data.source)
    io.write_model("data/rater", fit, rater, card, "data/model")
    on = device_suffix(device if find_rater(config.model.type).uses_device else CPU, params.compute)
    return f"test RMSE {judged.bars['rater']['rmse']:.4f}, MAE {judged.bars['rater']['mae']:.4f} stars{on}"


if __name__ == "__main__":
    run_stage("evaluate", EvaluateParams, main)

"""Stage evaluate: compare the rater with the baselines and write the final model."""

from __future__ import annotations

import numpy as np

from reelgraph.core.schemas.kg import read_kg
from reelgraph.core.schemas.movies import read_movies
from reelgraph.core.schemas.records import TrainingHistory, read_record
from reelgraph.core.target_rows import write_target_rows
from reelgraph.core.torch_setup import CPU, configure_torch, device_suffix
from reelgraph.evaluation import comparison, examples, io, plots
from reelgraph.evaluation.model_card import model_card, write_model
from reelgraph.params.evaluation import EvaluateParams
from reelgraph.raters.io import load_rater, read_rater_config
from reelgraph.raters.registry import find_rater
from reelgraph.runtime.atomic_io import write_json, write_text
from reelgraph.runtime.stage_runner import run_stage
from reelgraph.sequences.dataset import read_histories, required_fits


def main(params: EvaluateParams) -> str:
    """Predict all targets, compare with the baselines, write metrics, plots and data/model/."""
    device = configure_torch(params.compute)
    movies = read_movies("data/movies.parquet", ("movie_id", "original_title"))
    movie_id = movies["movie_id"].to_numpy()
    fit = params.evaluate.fit
    histories = read_histories("data/sequences", len(movie_id))
    raters = {rows: load_rater("data/rater", rows, device=device) for rows in required_fits(fit)}
    val_prediction, test_predictions = io.predict_targets(raters, histories)
    baselines = io.read_baseline_predictions("data/baselines", list(params.baselines), histories)
    evaluation = comparison.evaluate(histories, val_prediction, test_predictions, baselines, fit, params.seed)
    truth = io.read_truth("data/truth")
    predicted = test_predictions[fit].stars
    bound = comparison.bayes_bound_metrics(truth, histories, movie_id, predicted, params.seed)
    epoch = read_record("data/rater/history.json", TrainingHistory).best_epoch
    figures = evaluation.rater | bound | {"parameters": raters[fit].parameter_count, "best_epoch": epoch}
    titles = examples.movie_titles(movies["original_title"].to_pylist(), movie_id)
    movie_info = examples.MovieInfo(titles, read_kg("data/kg"))
    selected = examples.select(evaluation.actual, predicted, params.evaluate.examples)
    targets = histories.test[np.concatenate(list(selected.values()))]
    attributions = examples.target_attributions(raters[fit], histories, histories.fit_end(fit), targets)
    comparison.write_evaluation(evaluation.models, figures)
    plots.save_evaluation(evaluation.actual, predicted, evaluation.models, "plots/evaluate")
    predictions = io.prediction_table(histories, predicted, movie_id)
    io.write_predictions(predictions, "data")
    write_target_rows(io.prediction_columns(predictions), 2, "plots/predictions.tsv")
    records = examples.to_records(histories, selected, predicted, attributions, movie_info)
    write_json(records, "data/examples.json")
    write_text(examples.to_markdown(records["spread"]), "data/examples.md")
    config = read_rater_config("data/rater")
    card = model_card(histories, fit, config, evaluation, params.data.source)
    write_model("data/rater", fit, evaluation.models["rater"] | figures, card, "data/model")
    suffix = device_suffix(device if find_rater(config.model.type).uses_device else CPU, params.compute)
    return "test RMSE {rmse:.4f}, MAE {mae:.4f} stars".format(**evaluation.models["rater"]) + suffix


if __name__ == "__main__":
    run_stage("evaluate", EvaluateParams, main)

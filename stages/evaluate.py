"""Stage evaluate: rater, histories, baselines' predictions → metrics, plots, examples, data/model/."""

from __future__ import annotations

import numpy as np

from reelgraph.core.torch_setup import CPU, prepare, where
from reelgraph.evaluation import bundle, examples, plots, results
from reelgraph.evaluation.card import model_card
from reelgraph.evaluation.predictions import of_targets, table
from reelgraph.params.evaluate import EvaluateParams
from reelgraph.raters.loading import load_rater, read_config
from reelgraph.runtime.atomic_io import write_json, write_metrics, write_parquet, write_text
from reelgraph.runtime.stage_runner import run
from reelgraph.schemas.kg import read_kg
from reelgraph.schemas.movies import read_movies
from reelgraph.schemas.records import Learned, read_record
from reelgraph.sequences.arrays import FITS, read_histories


def work(params: EvaluateParams) -> str:
    """Predict, compare, and write metrics, plots, predictions, examples and the final model."""
    device = prepare(params.compute)
    movies = read_movies("data/movies.parquet", ("movie_id", "original_title"))
    movie_id = movies["movie_id"].to_numpy()
    fit, histories = params.evaluate.fit, read_histories("data/histories", len(movie_id))
    raters = {rows: load_rater("data/rater", rows, device=device) for rows in FITS}
    val, said = of_targets(raters, histories)
    others = bundle.read_predictions("data/baselines", list(params.baselines), histories)
    judged = results.judge(histories, val, said, others, fit, params.seed)
    truth, final = bundle.read_truth("data/truth"), said[fit].stars
    bound = results.of_bound(truth, histories, movie_id, final, params.seed)
    best_epoch = read_record("data/rater/history.json", Learned).best_epoch
    rater = {**judged.rater, **bound, "parameters": raters[fit].parameters, "best_epoch": best_epoch}
    titles = examples.titles(movies["original_title"].to_pylist(), movie_id)
    known = examples.Movies(titles, read_kg("data/kg"))
    chosen = examples.chosen(judged.actual, final, params.evaluate.examples)
    index = histories.test[np.concatenate(list(chosen.values()))]
    reasons = examples.reasons(raters[fit], histories, histories.fit_end(fit), index)
    write_metrics(rater, "metrics/rater.json")
    write_metrics(judged.baselines, "metrics/baselines.json")
    plots.predicted_against_actual(judged.actual, final, "plots/evaluate/predicted_actual.png")
    plots.error_histogram(judged.actual, final, "plots/evaluate/errors.png")
    plots.against_baselines(judged.bars, "plots/evaluate/baselines.png")
    write_parquet(table(histories, final, movie_id), "data/predictions.parquet")
    shown = examples.records(histories, chosen, final, reasons, known)
    write_json(shown, "data/examples.json")
    write_text(examples.markdown(shown["spread"]), "plots/examples.md")
    config = read_config("data/rater")
    card = model_card(histories, fit, config, judged, params.data.source)
    bundle.write_model("data/rater", fit, rater, card, "data/model")
    on = where(CPU if config.model.type == "gp" else device, params.compute)
    return f"test RMSE {judged.bars['rater']['rmse']:.4f}, MAE {judged.bars['rater']['mae']:.4f} stars{on}"


if __name__ == "__main__":
    run("evaluate", EvaluateParams, work)

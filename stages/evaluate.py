"""Stage evaluate: compare rater and baselines, and the rankers; analyse errors; write the final model."""

from __future__ import annotations

from threadpoolctl import threadpool_limits

from reelgraph.core.schemas.kg import read_kg
from reelgraph.core.schemas.movies import read_movies, release_years
from reelgraph.core.schemas.records import TrainingHistory, read_record
from reelgraph.core.torch_setup import CPU, configure_torch, device_suffix
from reelgraph.evaluation import comparison, io, plots
from reelgraph.evaluation.error_analysis import write_error_analysis
from reelgraph.evaluation.examples import SourceInfo, movie_titles, write_examples
from reelgraph.evaluation.model_card import model_card, write_model
from reelgraph.evaluation.ranker_comparison import write_ranker_comparison
from reelgraph.params.evaluation import EvaluateParams
from reelgraph.raters.io import load_rater, read_rater_config
from reelgraph.raters.registry import find_rater
from reelgraph.runtime.stage_runner import run_stage
from reelgraph.sequences.dataset import read_histories, required_fits


@threadpool_limits.wrap(limits=1, user_api="blas")  # threads wait for each other in small products
def main(params: EvaluateParams) -> str:
    """Predict all targets, compare with the baselines, write metrics, tables, plots and data/model/."""
    config = read_rater_config("data/rater")
    device = find_rater(config.model.type).choose_device(configure_torch(params.compute))
    movies = read_movies("data/movies.parquet", ("movie_id", "original_title", "release_year"))
    movie_id = movies["movie_id"].to_numpy()
    fit = params.evaluate.fit
    histories = read_histories("data/sequences", len(movie_id))
    raters = {rows: load_rater("data/rater", rows, device=device) for rows in required_fits(fit)}
    val, test = io.predict_targets(raters, histories)
    predicted = test[fit].stars
    baselines = io.read_baseline_predictions("data/baselines", list(params.baselines), histories)
    evaluation = comparison.evaluate(histories, val, test, baselines, fit, params.seed)
    truth = io.read_truth("data/truth")
    bound = comparison.bayes_bound_metrics(truth, histories, movie_id, predicted, params.seed)
    epoch = read_record("data/rater/history.json", TrainingHistory).best_epoch
    figures = evaluation.rater | bound | {"parameters": raters[fit].parameter_count, "best_epoch": epoch}
    cpu_rater = raters[fit] if device == CPU else load_rater("data/rater", fit)
    ndcg = write_ranker_comparison(histories, len(movie_id), cpu_rater, params)
    comparison.write_evaluation(evaluation.models, figures)
    plots.save_evaluation(evaluation.actual, predicted, evaluation.models, "plots/evaluate")
    io.write_predictions(histories, predicted, movie_id)
    years = release_years(movies)
    write_error_analysis(histories, raters, fit, val, test[fit], baselines, years, params.seed)
    titles = movie_titles(movies["original_title"].to_pylist(), movie_id)
    source = SourceInfo(titles, read_kg("data/kg"), io.user_labels(histories, "data/sequences"))
    fit_end = histories.fit_end(fit)
    write_examples(histories, raters[fit], fit_end, predicted, params.evaluate.examples, source)
    card = model_card(histories, fit, config, evaluation, params.data)
    write_model("data/rater", fit, evaluation.models["rater"] | figures, card, "data/model")
    errors = "test RMSE {rmse:.4f}, MAE {mae:.4f} stars".format(**evaluation.models["rater"])
    return f"{errors}; {ndcg}{device_suffix(device, params.compute)}"


if __name__ == "__main__":
    run_stage("evaluate", EvaluateParams, main)

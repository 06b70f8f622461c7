"""Stage evaluate: rater, histories, baselines' predictions → metrics, plots, examples, data/model/."""

from __future__ import annotations

from reelgraph.compute import prepare
from reelgraph.door import run
from reelgraph.evaluation import bundle, examples, plots, results
from reelgraph.evaluation.predictions import table
from reelgraph.files import read_json, write_metrics, write_parquet, write_text
from reelgraph.histories.arrays import read_histories
from reelgraph.histories.batches import stars
from reelgraph.params.evaluate import EvaluateParams
from reelgraph.raters.building import parameters
from reelgraph.raters.training import predict
from reelgraph.schemas.movies import read_movies
from reelgraph.seeds import derive


def work(params: EvaluateParams) -> str:
    """Predict, compare, and write metrics, plots, predictions, examples and the final model."""
    prepare(params.compute)
    histories = read_histories("data/histories")
    rater, model = bundle.read_rater("data/rater")
    movies = read_movies("data/movies.parquet", ("movie_id", "original_title"))
    movie_id, actual = movies["movie_id"].to_numpy(), stars(histories, histories.test)
    val, test = (predict(rater, histories, i, model.max_history) for i in (histories.val, histories.test))
    baselines = {
        name: results.errors(actual, predicted)
        for name, predicted in bundle.read_predictions(
            "data/baselines", params.baselines.names, "test", len(actual)
        ).items()
    }
    truth = bundle.read_truth("data/truth")
    found = results.of_rater(histories, val, test)
    found |= results.of_bound(truth, histories, movie_id, test, derive(params.seed, "bootstrap"))
    best_epoch = read_json("data/rater/history.json")["best_epoch"]
    figures = {**found, "parameters": parameters(rater), "best_epoch": best_epoch}
    titles = examples.titles(movies["original_title"].to_pylist(), movie_id)
    chosen = examples.evenly(len(actual), params.evaluate.examples)
    write_metrics(figures, "metrics/rater.json")
    write_metrics(baselines, "metrics/baselines.json")
    plots.predicted_against_actual(actual, test, "plots/evaluate/predicted_actual.png")
    plots.error_histogram(actual, test, "plots/evaluate/errors.png")
    plots.against_baselines({"rater": found["test"]} | baselines, "plots/evaluate/baselines.png")
    write_parquet(table(histories, test, movie_id), "data/predictions.parquet")
    write_text(examples.markdown(histories, chosen, test, titles), "plots/examples.md")
    bundle.write_model("data/rater", figures, "data/model")
    return f"test RMSE {found['test']['rmse']:.4f}, MAE {found['test']['mae']:.4f} stars"


if __name__ == "__main__":
    run("evaluate", EvaluateParams, work)

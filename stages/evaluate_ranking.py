"""Stage evaluate_ranking: rank all movies by their predicted rating and compare with two baselines."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import repeat

from reelgraph.core.schemas.movies import read_movie_ids
from reelgraph.core.schemas.reports import write_metrics, write_report
from reelgraph.core.seeds import derive_seed, generator
from reelgraph.core.target_rows import write_target_rows
from reelgraph.core.torch_setup import configure_torch
from reelgraph.evaluation.ranking import (
    Scores,
    headline_metrics,
    non_personalized_scores,
    ranking_metrics,
    select_users,
    user_columns,
    user_metrics,
)
from reelgraph.params.base import Compute
from reelgraph.params.evaluation import EvaluateRankingParams
from reelgraph.raters.io import load_rater
from reelgraph.runtime.stage_runner import run_stage
from reelgraph.sequences.dataset import read_histories
from reelgraph.sequences.isolated_targets import isolate_targets


def main(params: EvaluateRankingParams) -> str:
    """Score all movies for a sample of users with the rater, the popularity and the movie means."""
    # The matrices of one user are small: several threads would wait for each other.
    configure_torch(Compute(threads=1, device="cpu"))
    n_movies = len(read_movie_ids("data/movies.parquet"))
    histories = read_histories("data/sequences", n_movies)
    rater = load_rater("data/rater", params.evaluate.fit)
    fit_end = histories.fit_end(params.evaluate.fit)
    queries = select_users(
        histories, n_movies, params.evaluate.ranking_users, generator(params.seed, "ranking")
    )
    targets = isolate_targets(histories, fit_end, queries.target_index)
    rater_scores = rater.score(targets, targets.train_end, targets.test)
    models: dict[str, Iterable[Scores]] = {"rater": (scores.prediction.stars for scores in rater_scores)}
    for name, scores in non_personalized_scores(histories, fit_end, n_movies).items():
        models[name] = repeat(scores)
    by_user = {name: user_metrics(queries, scores) for name, scores in models.items()}
    metrics = ranking_metrics(by_user, derive_seed(params.seed, "bootstrap"))
    write_target_rows(user_columns(histories, queries, by_user["rater"]), 1, "plots/ranking_users.tsv")
    write_report("ranking", metrics)
    write_metrics(headline_metrics(metrics), "metrics/ranking.json")
    ndcg = ", ".join(f"{model} {row['ndcg_10']:.4f}" for model, row in metrics.items())
    return f"NDCG@10 of {len(queries.target_index):,} users: {ndcg}"


if __name__ == "__main__":
    run_stage("evaluate_ranking", EvaluateRankingParams, main)

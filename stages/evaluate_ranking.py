"""Stage evaluate_ranking: rank all movies by the rankers, the rater's stars and the movie means."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import repeat

import numpy as np
from threadpoolctl import threadpool_limits

from reelgraph.core.schemas.movies import read_movie_ids
from reelgraph.core.schemas.reports import write_metrics, write_report
from reelgraph.core.seeds import derive_seed, generator
from reelgraph.core.target_rows import write_target_rows
from reelgraph.core.torch_setup import configure_torch
from reelgraph.evaluation import ranking
from reelgraph.evaluation.list_metrics import calibrate_lists
from reelgraph.params.evaluation import EvaluateRankingParams
from reelgraph.rankers.registry import SERVED, load_ranker
from reelgraph.raters.io import load_rater
from reelgraph.runtime.stage_runner import run_stage
from reelgraph.sequences.dataset import read_histories
from reelgraph.sequences.isolated_targets import isolate_targets


@threadpool_limits.wrap(limits=1, user_api="blas")  # threads wait for each other in a user's small products
def main(params: EvaluateRankingParams) -> str:
    """Score all movies for a sample of users with each order."""
    configure_torch(params.compute.model_copy(update={"device": "cpu"}))
    n_movies = len(read_movie_ids("data/movies.parquet"))
    histories = read_histories("data/sequences", n_movies)
    rater = load_rater("data/rater", params.evaluate.fit)
    fit_end = histories.fit_end(params.evaluate.fit)
    rng = generator(params.seed, "ranking")
    queries = ranking.build_queries(histories, "test", params.evaluate.ranking_users, rng)
    targets = isolate_targets(histories, fit_end, queries.target_index)

    def score(name: str) -> Iterable[ranking.Scores]:
        yield from ranking.ranker_scores(load_ranker(f"data/ranker/{name}", many_queries=True), queries)

    served = list(score(SERVED))
    rated = ranking.rater_orders(rater, targets, served)
    orders = {name: served if name == SERVED else score(name) for name in params.rankers} | rated
    orders["item_mean"] = repeat(ranking.item_means(histories, fit_end, n_movies))
    rankings = {name: ranking.rank_movies(queries, scores) for name, scores in orders.items()}
    count = np.bincount(histories.movie_row[histories.mask_before(fit_end)], minlength=n_movies)
    seed = derive_seed(params.seed, "bootstrap")
    metrics = ranking.ranking_metrics(rankings, SERVED, count, seed)
    for name, row in metrics.items():
        row |= calibrate_lists(rankings[name].lists, queries.watched, queries.stars, rated["rater"], seed)
    columns = ranking.user_columns(histories, queries, rankings[SERVED], n_movies)
    write_target_rows(columns, 1, "plots/ranking_users.tsv")
    write_report("ranking", metrics)
    write_metrics(ranking.headline_metrics(metrics, SERVED), "metrics/ranking.json")
    ndcg = ", ".join(f"{model} {row['ndcg_10']:.4f}" for model, row in metrics.items())
    return f"NDCG@10 of {len(queries.queries):,} users: {ndcg}"


if __name__ == "__main__":
    run_stage("evaluate_ranking", EvaluateRankingParams, main)

"""Comparison of the rankers with each other, with the rater's stars and with the movie means."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import repeat

import numpy as np

from reelgraph.core.schemas.reports import write_metrics, write_report
from reelgraph.core.seeds import derive_seed, generator
from reelgraph.core.target_rows import write_target_rows
from reelgraph.evaluation import ranking
from reelgraph.evaluation.list_metrics import calibrate_lists
from reelgraph.params.evaluation import EvaluateParams
from reelgraph.rankers.registry import SERVED, load_ranker
from reelgraph.raters.rater import Rater
from reelgraph.sequences.dataset import UserHistories
from reelgraph.sequences.isolated_targets import isolate_targets


def write_ranker_comparison(
    histories: UserHistories, n_movies: int, rater: Rater, params: EvaluateParams
) -> str:
    """Rank all movies for a sample of users by each order, and write the metrics and their tables.

    Args:
        histories: ratings and targets.
        n_movies: number of movies, those without a rating included.
        rater: fitted on the rows of ``evaluate.fit``.
        params: the rankers of data/ranker/, the number of users and the root seed.

    Returns:
        NDCG@10 of the ranker that orders recommendations, and of popularity if it is among the rankers.
    """
    fit_end = histories.fit_end(params.evaluate.fit)
    rng = generator(params.seed, "ranking")
    queries = ranking.build_queries(histories, "test", params.evaluate.ranking_users, rng)
    targets = isolate_targets(histories, fit_end, queries.target_index)

    def score(name: str) -> Iterable[ranking.Scores]:
        yield from ranking.ranker_scores(load_ranker(f"data/ranker/{name}", many_queries=True), queries)

    served = list(score(SERVED))
    count = np.bincount(histories.movie_row[histories.mask_before(fit_end)], minlength=n_movies)
    rated = ranking.rater_orders(rater, targets, served, count)
    orders = {name: served if name == SERVED else score(name) for name in params.rankers} | rated
    orders["item_mean"] = repeat(ranking.item_means(histories, fit_end, n_movies))
    rankings = {name: ranking.rank_movies(queries, scores) for name, scores in orders.items()}
    seed = derive_seed(params.seed, "bootstrap")
    metrics = ranking.ranking_metrics(rankings, SERVED, count, seed)
    for name, row in metrics.items():
        row |= calibrate_lists(rankings[name].lists, queries.watched, queries.stars, rated["rater"], seed)
    columns = ranking.user_columns(histories, queries, rankings[SERVED], n_movies)
    write_target_rows(columns, 1, "plots/ranking_users.tsv")
    write_report("ranking", metrics)
    write_metrics(ranking.headline_metrics(metrics, SERVED), "metrics/ranking.json")
    ndcg = [f"{name} {metrics[name]['ndcg_10']:.4f}" for name in (SERVED, "popularity") if name in metrics]
    return f"NDCG@10 of {len(queries.queries):,} users: {', '.join(ndcg)}"

"""Comparison of the rankers with each other, with the rater's stars and with the movie means."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import repeat
from typing import Literal

import numpy as np
from jaxtyping import Int64

from reelgraph.core.parallel import parallel_map
from reelgraph.core.schemas.reports import write_metrics, write_report
from reelgraph.core.seeds import derive_seed, generator
from reelgraph.core.target_rows import write_target_rows
from reelgraph.evaluation import ranking
from reelgraph.evaluation.list_metrics import calibrate_lists
from reelgraph.evaluation.recommended_lists import recommended_lists
from reelgraph.params.evaluation import EvaluateParams
from reelgraph.rankers.ranker import Ranker
from reelgraph.rankers.registry import SERVED, load_ranker
from reelgraph.raters.rater import Rater
from reelgraph.sequences.dataset import UserHistories
from reelgraph.sequences.isolated_targets import isolate_targets


@dataclass(frozen=True)
class ServedOrders:
    """The orders that need the rater or the ranker that is served, of the same users."""

    queries: ranking.RankingQueries
    served: list[ranking.Scores]
    """Scores by the ranker."""
    rated: Mapping[str, list[ranking.Scores]]
    """As ``ranking.rater_orders`` returns them."""
    count: Int64[np.ndarray, " movies"]
    """Fitted ratings of each movie."""


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
    fit = params.evaluate.fit
    test = _score_test(histories, rater, n_movies, params)
    orders: dict[str, Iterable[ranking.Scores]] = {
        name: test.served if name == SERVED else _score(name, test.queries) for name in params.rankers
    }
    orders |= test.rated
    orders["item_mean"] = repeat(ranking.item_means(histories, histories.fit_end(fit), n_movies))
    ranked = parallel_map(lambda scores: ranking.rank_movies(test.queries, scores), orders.values())
    rankings = dict(zip(orders, ranked, strict=True))
    seed = derive_seed(params.seed, "bootstrap")
    metrics = ranking.ranking_metrics(rankings, SERVED, test.count, seed)
    for name, row in metrics.items():
        lists = rankings[name].lists
        queries = test.queries
        row |= calibrate_lists(lists, queries.watched, queries.stars, test.rated["rater"], seed)
    # A ranker that is fitted on validation rows knows these targets.
    if "recommended" in metrics and fit == "train":
        calibration = _calibrate_val(histories, rater, test.count, params)
        metrics["recommended"] |= {f"val_{name}": value for name, value in calibration.items()}
    columns = ranking.user_columns(histories, test.queries, rankings[SERVED], n_movies)
    write_target_rows(columns, 1, "plots/ranking_users.tsv")
    write_report("ranking", metrics)
    write_metrics(ranking.headline_metrics(metrics, SERVED), "metrics/ranking.json")
    ndcg = [f"{name} {metrics[name]['ndcg_10']:.4f}" for name in (SERVED, "popularity") if name in metrics]
    return f"NDCG@10 of {len(test.queries.queries):,} users: {', '.join(ndcg)}"


def _score_test(
    histories: UserHistories, rater: Rater, n_movies: int, params: EvaluateParams
) -> ServedOrders:
    """Score all movies for a sample of users with test targets."""
    fit_end = histories.fit_end(params.evaluate.fit)
    queries, served = _score_served(histories, "test", params)
    count = np.bincount(histories.movie_row[histories.mask_before(fit_end)], minlength=n_movies)
    targets = isolate_targets(histories, fit_end, queries.target_index)
    return ServedOrders(queries, served, ranking.rater_orders(rater, targets, served, count), count)


def _score_served(
    histories: UserHistories, part: Literal["val", "test"], params: EvaluateParams
) -> tuple[ranking.RankingQueries, list[ranking.Scores]]:
    """Return queries of a sample of users with targets in this part, and the served ranker's scores."""
    rng = generator(params.seed, "ranking")
    queries = ranking.build_queries(histories, part, params.evaluate.ranking_users, rng)
    return queries, parallel_map(_load(SERVED).score, queries.queries)


def _score(name: str, queries: ranking.RankingQueries) -> Iterable[ranking.Scores]:
    yield from ranking.ranker_scores(_load(name), queries)


def _load(name: str) -> Ranker:
    return load_ranker(f"data/ranker/{name}", many_queries=True)


def _calibrate_val(
    histories: UserHistories, rater: Rater, count: Int64[np.ndarray, " movies"], params: EvaluateParams
) -> dict[str, int | float]:
    """Compare predicted and actual stars of the validation movies that would be recommended."""
    queries, served = _score_served(histories, "val", params)
    targets = isolate_targets(histories, histories.fit_end("train"), queries.target_index)
    lists, stars = recommended_lists(rater, targets, queries, served, count)
    seed = derive_seed(params.seed, "bootstrap")
    return calibrate_lists(lists, queries.watched, queries.stars, stars, seed)

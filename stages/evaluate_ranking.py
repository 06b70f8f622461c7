"""Stage ranking: rater, histories → metrics/ranking.json, what the predictions recommend."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import repeat

from reelgraph.core.seeds import derive_seed, generator
from reelgraph.core.torch_setup import configure_torch
from reelgraph.evaluation.ranking import Scores, non_personalized_scores, ranking_metrics, select_users
from reelgraph.params.base import Compute
from reelgraph.params.evaluation import EvaluateRankingParams
from reelgraph.raters.io import load_rater
from reelgraph.runtime.atomic_io import write_metrics
from reelgraph.runtime.stage_runner import run_stage
from reelgraph.schemas.movies import read_movie_ids
from reelgraph.sequences.dataset import read_histories
from reelgraph.sequences.isolated_targets import isolate_targets


def main(params: EvaluateRankingParams) -> str:
    """Score all movies for some users, by the rater, by popularity and by the movies' means; compare."""
    # Matrices of one person at a time are small: threads would wait for each other.
    configure_torch(Compute(threads=1, device="cpu"))
    movies = len(read_movie_ids("data/movies.parquet"))
    histories = read_histories("data/sequences", movies)
    rater, end = load_rater("data/rater", params.evaluate.fit), histories.fit_end(params.evaluate.fit)
    asked = select_users(histories, movies, params.evaluate.ranking_users, generator(params.seed, "ranking"))
    cases = isolate_targets(histories, end, asked.target_index)
    scores = rater.score(cases, cases.train_end, cases.test)
    models: dict[str, Iterable[Scores]] = {"rater": (each.prediction.stars for each in scores)}
    models |= {name: repeat(each) for name, each in non_personalized_scores(histories, end, movies).items()}
    found = ranking_metrics(asked, models, derive_seed(params.seed, "bootstrap"))
    write_metrics(found, "metrics/ranking.json")
    ndcg = ", ".join(f"{name} {row['ndcg_10']:.4f}" for name, row in found.items())
    return f"NDCG@10 of {len(asked.target_index):,} users: {ndcg}"


if __name__ == "__main__":
    run_stage("evaluate_ranking", EvaluateRankingParams, main)

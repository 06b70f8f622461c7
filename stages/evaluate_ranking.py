"""Stage ranking: rater, histories → metrics/ranking.json, what the predictions recommend."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import repeat

from reelgraph.core.seeds import derive, generator
from reelgraph.core.torch_setup import prepare
from reelgraph.evaluation.ranking import Scores, ask, by_movie, ranking
from reelgraph.params.compute import Compute
from reelgraph.params.ranking import RankingParams
from reelgraph.raters.loading import load_rater
from reelgraph.runtime.atomic_io import write_metrics
from reelgraph.runtime.stage_runner import run
from reelgraph.schemas.movies import read_movie_ids
from reelgraph.sequences.arrays import read_histories
from reelgraph.sequences.cases import apart


def work(params: RankingParams) -> str:
    """Score all movies for some users, by the rater, by popularity and by the movies' means; compare."""
    # Matrices of one person at a time are small: threads would wait for each other.
    prepare(Compute(threads=1, device="cpu"))
    movies = len(read_movie_ids("data/movies.parquet"))
    histories = read_histories("data/histories", movies)
    rater, end = load_rater("data/rater", params.evaluate.fit), histories.fit_end(params.evaluate.fit)
    asked = ask(histories, movies, params.evaluate.ranking_users, generator(params.seed, "ranking"))
    cases = apart(histories, end, asked.place)
    scores = rater.score(cases, cases.train_end, cases.test)
    models: dict[str, Iterable[Scores]] = {"rater": (each.said.stars for each in scores)}
    models |= {name: repeat(each) for name, each in by_movie(histories, end, movies).items()}
    found = ranking(asked, models, derive(params.seed, "bootstrap"))
    write_metrics(found, "metrics/ranking.json")
    ndcg = ", ".join(f"{name} {row['ndcg_10']:.4f}" for name, row in found.items())
    return f"NDCG@10 of {len(asked.place):,} users: {ndcg}"


if __name__ == "__main__":
    run("ranking", RankingParams, work)

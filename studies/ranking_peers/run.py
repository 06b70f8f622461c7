"""The study of ranking peers: tunes each on validation targets, compares it with blend on test targets."""

from __future__ import annotations

import numpy as np

from reelgraph.core.schemas.reports import write_table
from reelgraph.core.seeds import derive_seed, generator
from reelgraph.core.torch_setup import configure_torch
from reelgraph.evaluation import ranking
from reelgraph.params.base import Compute
from reelgraph.rankers.io import read_ranker_inputs
from reelgraph.rankers.registry import SERVED, load_ranker
from reelgraph.runtime.stage_runner import record_timing
from reelgraph.sequences.dataset import read_histories
from studies.ranking_peers.params import RankingPeersParams
from studies.ranking_peers.tuning import TunedRanker, tune_ranker
from studies.study import run_study

NAME = "ranking_peers"
INPUTS = ("data/ranker", "data/sequences", "data/movies.parquet", "data/kg", "data/text_vectors.parquet")


def main(params: RankingPeersParams) -> str:
    """Choose the peers' params on training rows; test them fitted on those of ``evaluate.fit``."""
    configure_torch(Compute(threads=1, device="cpu"))
    fit = params.evaluate.fit
    inputs = read_ranker_inputs(fit, params.seed)
    train_inputs = inputs if fit == "train" else read_ranker_inputs("train", params.seed)
    n_movies = inputs.ratings.n_movies
    histories = read_histories("data/sequences", n_movies)
    users = params.evaluate.ranking_users
    val = ranking.build_queries(histories, "val", users, generator(params.seed, "ranking"))
    test = ranking.build_queries(histories, "test", users, generator(params.seed, "ranking"))
    rankers = {SERVED: load_ranker(f"data/ranker/{SERVED}")}
    tuned: dict[str, TunedRanker] = {}
    for name, values in params.ranking_peers.items():
        with record_timing(NAME, name):
            tuned[name] = tune_ranker(name, values, train_inputs, val)
            rankers[name] = tuned[name].ranker if fit == "train" else tuned[name].type.fit(inputs)
    rankings = {
        name: ranking.rank_movies(test, ranking.ranker_scores(ranker, test))
        for name, ranker in rankers.items()
    }
    count = np.bincount(inputs.ratings.movie_row, minlength=n_movies)
    metrics = ranking.ranking_metrics(rankings, SERVED, count, derive_seed(params.seed, "bootstrap"))
    rows = {
        name: {tuned[name].setting: {"val_ndcg_10": tuned[name].val_ndcg_10, **metrics[name]}}
        for name in tuned
    }
    write_table(rows, ["model", "params"], f"studies/{NAME}/results.tsv")
    best = max(tuned, key=lambda name: tuned[name].val_ndcg_10)
    return f"{len(tuned)} peers; the best on validation is {best} ({tuned[best].setting})"


if __name__ == "__main__":
    run_study(NAME, RankingPeersParams, main, INPUTS)

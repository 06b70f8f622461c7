"""Errors of the rater over seeds: ``python -m tools.rater_seeds 5``, after `make repro`.

Each seed is a value of ``model.seed``: the data, the embeddings and the targets stay those of the last run.
The rater is fitted on training rows. It writes no file.
"""

from __future__ import annotations

import sys

import numpy as np

from reelgraph.core.metrics import rmse
from reelgraph.core.torch_setup import configure_torch
from reelgraph.params.base import load
from reelgraph.params.model import TrainRaterParams
from reelgraph.raters.fitting import make_fitter
from reelgraph.raters.io import read_movie_inputs
from reelgraph.raters.rater import MovieInputs
from reelgraph.runtime.errors import ReelgraphError
from reelgraph.sequences.dataset import UserHistories, read_histories, star_ratings


def seed_errors(
    params: TrainRaterParams, histories: UserHistories, movies: MovieInputs, seed: int
) -> tuple[float, float]:
    """Fit the rater with one seed; return its RMSE on the validation and on the test targets, in stars.

    Args:
        params: of the rater.
        histories: ratings and targets.
        movies: what raters may read of the movies.
        seed: value of ``model.seed``.
    """
    model = params.model.model_copy(update={"seed": seed})
    fitter = make_fitter(params.model_copy(update={"model": model}), histories, movies)
    rater = fitter.fit_and_select().rater
    fit_end = histories.fit_end("train")
    val, test = (
        rmse(star_ratings(histories, index), rater.predict(histories, fit_end, index).stars)
        for index in (histories.val, histories.test)
    )
    return val, test


def main(count: int) -> None:
    """Print the errors of each seed, then their mean and standard deviation."""
    params = load(TrainRaterParams)
    configure_torch(params.compute)
    histories = read_histories("data/sequences")
    movies = read_movie_inputs(f"data/emb_{params.model.embedding}.parquet")
    print(f"{'model.seed':<12}{'validation RMSE':>16}{'test RMSE':>12}   ({params.model.type}, stars)")
    rows = []
    for seed in range(count):
        rows.append(seed_errors(params, histories, movies, seed))
        print(f"{seed:<12}{rows[-1][0]:>16.4f}{rows[-1][1]:>12.4f}", flush=True)
    errors = np.array(rows)
    for name, values in (("mean", errors.mean(axis=0)), ("std", errors.std(axis=0, ddof=1))):
        print(f"{name:<12}{values[0]:>16.4f}{values[1]:>12.4f}")


if __name__ == "__main__":
    seeds = " ".join(sys.argv[1:])
    if not (seeds.isdecimal() and int(seeds) >= 2):
        sys.exit(f"SEEDS: expected a number of 2 or more, got {seeds!r}")
    try:
        main(int(seeds))
    except ReelgraphError as error:
        sys.exit(str(error))

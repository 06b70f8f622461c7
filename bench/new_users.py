"""How well the rater predicts people whom it never saw: ``python -m bench.new_users [PARTS]``.

On the data of the last run. Fits once on everybody's training rows, then PARTS times (3) without a tenth of
the people, drawn without replacement, and predicts these people's test targets from their histories both
times: same people, same histories, only known to the fit or not.
"""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
from jaxtyping import Float64, Int64

from reelgraph.core.metrics import rmse
from reelgraph.core.seeds import generator
from reelgraph.core.torch_setup import configure_torch
from reelgraph.evaluation.intervals import paired_rmse_interval
from reelgraph.params.base import load
from reelgraph.params.model import TrainRaterParams
from reelgraph.raters.fitting import make_fitter
from reelgraph.raters.io import read_movie_inputs
from reelgraph.raters.rater import MovieInputs
from reelgraph.sequences.dataset import UserHistories, read_histories, star_ratings

SHARE = 0.1


def without_users(histories: UserHistories, users: Int64[np.ndarray, " unseen"]) -> UserHistories:
    """Return the histories as a fit sees them that learns from no row of these users."""
    start = histories.offsets[:-1]
    is_unseen = np.isin(np.arange(len(start)), users)
    ends = {key: np.where(is_unseen, start, getattr(histories, key)) for key in ("train_end", "val_end")}
    targets = {key: index[~is_unseen[histories.users_of(index)]]
            for key in ("train", "val") for index in [getattr(histories, key)]}  # fmt: skip
    return replace(histories, **ends, **targets)


def fit_and_predict(
    params: TrainRaterParams,
    seen_users: UserHistories,
    movies: MovieInputs,
    targets: Int64[np.ndarray, " targets"],
) -> Float64[np.ndarray, " targets"]:
    """Fit on the training rows of those who are seen; return the targets' predictions, stars."""
    rater = make_fitter(params, seen_users, movies).fit_and_select().rater
    return rater.predict(seen_users, seen_users.fit_end("train"), targets).stars.astype(np.float64)


def main(parts: int) -> None:
    """Fit, predict, print."""
    params = load(TrainRaterParams)
    configure_torch(params.compute)
    movies = read_movie_inputs(f"data/emb_{params.model.embedding}.parquet")
    histories = read_histories("data/sequences", len(movies.year))
    user = histories.users_of(histories.test)
    order = generator(params.seed, "bench/new_people").permutation(len(histories.user_id))
    tenth = max(1, int(SHARE * len(order)))
    known_stars, actual = (
        fit_and_predict(params, histories, movies, histories.test),
        star_ratings(histories, histories.test),
    )
    chosen, unseen = [], []
    for part in range(parts):
        unseen_users = order[part * tenth : (part + 1) * tenth]
        at = np.flatnonzero(np.isin(user, unseen_users))
        chosen.append(at)
        unseen.append(
            fit_and_predict(params, without_users(histories, unseen_users), movies, histories.test[at])
        )
    at, unseen_stars = np.concatenate(chosen), np.concatenate(unseen)
    low, high = paired_rmse_interval(
        user[at], (unseen_stars - actual[at]) ** 2, (known_stars[at] - actual[at]) ** 2, params.seed
    )
    print(f"{len(at):,} targets of {len(np.unique(user[at])):,} people: RMSE "
          f"{rmse(actual[at], unseen_stars):.4f} stars unseen, "
          f"{rmse(actual[at], known_stars[at]):.4f} known; "
          f"95 % interval of the difference {low:+.4f} to {high:+.4f}")  # fmt: skip


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)

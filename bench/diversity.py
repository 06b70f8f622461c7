"""Measure what ``recommend --diverse`` changes: ``python -m bench.diversity [USERS]``.

On the data of the last run. Recommends ten movies from the ratings before a user's test target, with and
without ``--diverse``. Prints means over users, and paired 95 % intervals of the differences. The measures are
the mean cosine between two movies of a list (text and graph), the mean predicted stars, and the hit rate: the
fraction of lists with the test movie.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64

from reelgraph.app.bundle.from_pipeline import collect_contents
from reelgraph.app.bundle.model import Bundle
from reelgraph.app.bundle.results import MoviePrediction
from reelgraph.core.seeds import derive_seed, generator
from reelgraph.core.torch_setup import configure_torch
from reelgraph.evaluation.intervals import Clusters, bootstrap_means, percentile_interval
from reelgraph.params.base import load
from reelgraph.params.model import TrainRaterParams
from reelgraph.sequences.dataset import UserHistories, read_histories, star_ratings

TOP = 10
MEASURES = ("cosine", "stars", "hit rate")


def list_measures(
    bundle: Bundle, predictions: Sequence[MoviePrediction], target_id: int
) -> tuple[float, float, float]:
    """Return a list's mean cosine of pairs, mean stars, and whether it has the target."""
    rows = [bundle.resolve(prediction.movie_id) for prediction in predictions]
    vectors = bundle.similarity.vectors_of_both[rows]
    pairs = np.triu_indices(len(rows), 1)
    cosine = (vectors @ vectors.T)[pairs].mean()
    stars = np.mean([prediction.stars for prediction in predictions])
    is_hit = any(prediction.movie_id == target_id for prediction in predictions)
    return float(cosine), float(stars), float(is_hit)


def measure_users(bundle: Bundle, histories: UserHistories, n_users: int) -> Float64[np.ndarray, "2 users 3"]:
    """Return the measures of lists without and with ``diverse``, each for the same users."""
    order = generator(load(TrainRaterParams).seed, "bench/diversity").permutation(len(histories.test))
    targets = np.sort(histories.test[order[:n_users]])
    movie_ids = bundle.catalog.movie_ids
    users = histories.users_of(targets)
    measures = np.zeros((2, len(targets), len(MEASURES)))
    for number, (target, user) in enumerate(zip(targets, users, strict=True)):
        index = np.arange(histories.offsets[user], histories.val_end[user])
        movies = movie_ids[histories.movie_row[index]].tolist()
        stars = star_ratings(histories, index).tolist()
        history = list(zip(movies, stars, histories.timestamp[index].tolist(), strict=True))
        target_id = int(movie_ids[histories.movie_row[target]])
        for row, diverse in enumerate((False, True)):
            predictions = bundle.recommend(history, TOP, diverse=diverse)
            measures[row, number] = list_measures(bundle, predictions, target_id)
    return measures


def main(n_users: int) -> None:
    """Measure and print."""
    params = load(TrainRaterParams)
    configure_torch(params.compute)
    bundle = Bundle(collect_contents())
    measures = measure_users(bundle, read_histories("data/sequences"), n_users)
    clusters = Clusters(np.arange(measures.shape[1]))
    resampled = bootstrap_means(
        clusters, measures[1] - measures[0], derive_seed(params.seed, "bench/diversity")
    )
    print(f"{measures.shape[1]} users, {TOP} movies each")
    for column, name in enumerate(MEASURES):
        without, with_diverse = measures[:, :, column].mean(axis=1)
        low, high = percentile_interval(resampled[:, column])
        print(f"{name:<9} {without:.3f}  --diverse {with_diverse:.3f} ({low:+.3f} to {high:+.3f})")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("users", nargs="?", type=int, default=200, help="number of users (default: 200)")
    main(parser.parse_args().users)

"""Metrics of the lists that users would see: variety, popularity, and whether their stars are right."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int64

from reelgraph.evaluation.intervals import Clusters, bootstrap_means, interval_columns


def list_metrics(
    lists: Int64[np.ndarray, "users length"], count: Int64[np.ndarray, " movies"]
) -> dict[str, float]:
    """Return coverage, novelty and mean popularity rank of the users' lists.

    Args:
        lists: rows of the shown movies; −1 behind the end of a list.
        count: fitted ratings of each movie.
    """
    shown = lists[lists >= 0]
    # A movie without ratings counts as one with a single rating.
    information = np.log2(max(int(count.sum()), 1) / np.maximum(count, 1))
    popularity_rank = np.empty(len(count))
    popularity_rank[np.argsort(-count, kind="stable")] = np.arange(1, len(count) + 1)
    return {
        "coverage_20": len(np.unique(shown)) / len(count),
        "novelty_20": float(information[shown].mean()),
        "popularity_rank_20": float(popularity_rank[shown].mean()),
    }


def calibrate_lists(
    lists: Int64[np.ndarray, "users length"],
    rated: Sequence[Int64[np.ndarray, " _"]],
    actual: Sequence[Float[np.ndarray, " _"]],
    predicted: Sequence[Float[np.ndarray, " movies"]],
    seed: int,
) -> dict[str, int | float]:
    """Compare predicted and actual stars of the listed movies that the users went on to rate.

    Args:
        lists: rows of the listed movies of each user.
        rated: rows of the movies that each user went on to rate.
        actual: stars of these.
        predicted: stars of all movies for each user.
        seed: seed of the bootstrap over users.

    Returns:
        ``rated_20``, their number; ``predicted_20`` and ``actual_20``, mean stars; and
        ``stars_diff_low`` and ``stars_diff_high``, the 95 % interval of predicted minus actual. Only the
        number if it is 0.
    """
    is_listed = [np.isin(movies, row) for movies, row in zip(rated, lists, strict=True)]
    user = np.repeat(np.arange(len(lists)), [int(mask.sum()) for mask in is_listed])
    if not len(user):
        return {"rated_20": 0}
    pairs = [
        np.column_stack([scores[movies[mask]], stars[mask]])
        for scores, movies, stars, mask in zip(predicted, rated, actual, is_listed, strict=True)
    ]
    values = np.concatenate(pairs)
    mean_predicted, mean_actual = values.mean(axis=0).tolist()
    difference = values[:, :1] - values[:, 1:]
    resampled = bootstrap_means(Clusters(user), difference, seed)[:, 0]
    return {"rated_20": len(user), "predicted_20": mean_predicted, "actual_20": mean_actual,
            **interval_columns({"stars_diff": resampled})}  # fmt: skip

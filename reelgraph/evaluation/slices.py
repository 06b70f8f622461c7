"""Errors by slice: by the target's user, movie and rating."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from jaxtyping import Bool, Float, Int64

from reelgraph.core.metrics import mae, rmse
from reelgraph.core.rating_scale import codes_to_stars
from reelgraph.evaluation.intervals import Clusters, bootstrap_means, interval_columns, target_clusters
from reelgraph.evaluation.io import ModelPredictions, best_baseline
from reelgraph.sequences.dataset import Fit, UserHistories, star_ratings

Stars = Float[np.ndarray, " targets"]
Numbers = Float[np.ndarray, " targets"] | Int64[np.ndarray, " targets"]
Labels = np.ndarray
"""Name of each target's bin."""

HISTORY_EDGES = (10, 30, 100, 300)
POPULARITY_EDGES = (1, 2, 5, 20, 100, 500)
MEAN_EDGES = (3.0, 3.5, 4.0)
MIN_BIN_TARGETS = 30
"""Targets of a bin with intervals, at least: the bootstrap of fewer is unreliable."""
STD_EDGES = (0.6, 0.9, 1.2)
YEAR_EDGES = (1970, 1980, 1990, 2000, 2010, 2020)


def slice_labels(
    histories: UserHistories,
    fit_end: Int64[np.ndarray, " users"],
    index: Int64[np.ndarray, " targets"],
    year: Float[np.ndarray, " movies"],
) -> dict[str, Labels]:
    """Return the bin of each target in each slice.

    Args:
        histories: ratings of all users.
        fit_end: end of the rows that the models were fitted on, a user; they define popularity.
        index: the targets.
        year: release year of each movie; NaN where unknown.
    """
    user = histories.users_of(index)
    movie = histories.movie_row[index]
    length, mean, std = _history_statistics(histories, index)
    fitted_movies = histories.movie_row[histories.mask_before(fit_end)]
    popularity = np.bincount(fitted_movies, minlength=len(year))[movie]
    release_year = np.nan_to_num(year[movie]).astype(np.int64)
    is_new_user = fit_end[user] == histories.offsets[user]
    rating_names = np.array([str(code / 2) for code in range(11)])
    return {
        "history": _bin_names(length, HISTORY_EDGES),
        "popularity": np.where(popularity > 0, _bin_names(popularity, POPULARITY_EDGES), "unseen"),
        "user_mean": np.where(length > 0, _bin_names(mean, MEAN_EDGES), "none"),
        "user_std": np.where(length > 0, _bin_names(std, STD_EDGES), "none"),
        "rating": rating_names[histories.half_star_code[index]],
        "year": np.where(release_year > 0, _bin_names(release_year, YEAR_EDGES), "unknown"),
        "user": np.where(is_new_user, "new", "known"),
    }


def _history_statistics(
    histories: UserHistories, index: Int64[np.ndarray, " targets"]
) -> tuple[Int64[np.ndarray, " targets"], Stars, Stars]:
    """Return length, mean and standard deviation (stars) of each target's history."""
    start, end = histories.history_bounds(index)
    count = end - start
    code = histories.half_star_code.astype(np.int64)
    mean = histories.sum_history(code, index) / np.maximum(count, 1)
    mean_square = histories.sum_history(code**2, index) / np.maximum(count, 1)
    variance = np.maximum(mean_square - mean**2, 0)
    return count, codes_to_stars(mean), codes_to_stars(np.sqrt(variance))


def _bin_names(values: Numbers, edges: tuple[int, ...] | tuple[float, ...]) -> Labels:
    """Return the name of each value's bin: ``under 10``, ``10 to 29``, …, ``300 and up``.

    A bin of one whole number is named by it: ``1``.
    """
    upper = [edge - 1 if isinstance(edge, int) else edge for edge in edges[1:]]
    inner = [
        str(low) if low == high else f"{low} to {high}" for low, high in zip(edges[:-1], upper, strict=True)
    ]
    names = [f"under {edges[0]}", *inner, f"{edges[-1]} and up"]
    return np.array(names)[np.searchsorted(np.array(edges), values, side="right")]


def sort_bins(bins: Labels) -> list[str]:
    """Return the names of the bins that occur, in ascending order."""
    return sorted(map(str, np.unique(bins)), key=_bin_order)


def _bin_order(name: str) -> tuple[float, str]:
    """Return a sort key: bins without a number come first, then ascending."""
    first = name.split()[0]
    if first == "under":
        return -1.0, name
    return (float(first) if first[0].isdigit() else -2.0), name


def compare_with_best_baseline(
    labels: Mapping[str, Labels],
    histories: UserHistories,
    fit: Fit,
    rater: Stars,
    baselines: Mapping[str, ModelPredictions],
    seed: int,
) -> dict[str, dict[str, dict[str, object]]]:
    """Return the metrics of each bin, next to the baseline with the lowest validation RMSE.

    ``bin_best`` is the baseline with the lowest test RMSE of the bin, which favours the baselines.

    Args:
        labels: slice → bin of each test target.
        histories: ratings and targets.
        fit: the fit whose predictions are compared.
        rater: the rater's predictions of the test targets.
        baselines: predictions of the baselines.
        seed: seed of the bootstrap.
    """
    best = best_baseline(histories, baselines)
    clusters = target_clusters(histories, histories.test)
    actual = star_ratings(histories, histories.test)
    slices = metrics_by_slice(labels, clusters, actual, rater, baselines[best].test[fit], seed)
    stars = {name: predictions.test[fit] for name, predictions in baselines.items()}
    return {
        slice_name: {
            bin_name: {**row, "baseline": best, **_best_of_bin(labels[slice_name] == bin_name, actual, stars)}
            for bin_name, row in bins.items()
        }
        for slice_name, bins in slices.items()
    }


def _best_of_bin(
    in_bin: Bool[np.ndarray, " targets"], actual: Stars, baselines: Mapping[str, Stars]
) -> dict[str, object]:
    """Return the baseline with the lowest RMSE on a bin's test targets, its RMSE and its mean error."""
    errors = {name: rmse(actual[in_bin], stars[in_bin]) for name, stars in baselines.items()}
    best = min(errors, key=lambda name: (errors[name], name))
    mean_error = float(np.mean(baselines[best][in_bin] - actual[in_bin]))
    return {"bin_best": best, "bin_best_rmse": errors[best], "bin_best_mean_error": mean_error}


def metrics_by_slice(
    labels: Mapping[str, Labels],
    clusters: Clusters,
    actual: Stars,
    rater: Stars,
    baseline: Stars,
    seed: int,
) -> dict[str, dict[str, dict[str, int | float]]]:
    """Return slice → bin → metrics, for the bins that have targets, in ascending order.

    Bins of fewer than ``MIN_BIN_TARGETS`` have no intervals.

    Args:
        labels: slice → bin of each target.
        clusters: users of the targets, and perhaps movies.
        actual: ratings.
        rater: the rater's predictions.
        baseline: predictions of the baseline.
        seed: seed of the bootstrap.
    """
    metrics: dict[str, dict[str, dict[str, int | float]]] = {}
    for slice_name, bins in labels.items():
        metrics[slice_name] = {}
        for bin_name in sort_bins(bins):
            in_bin = bins == bin_name
            metrics[slice_name][bin_name] = _bin_metrics(
                clusters.select(in_bin), actual[in_bin], rater[in_bin], baseline[in_bin], seed
            )
    return metrics


def _bin_metrics(
    clusters: Clusters, actual: Stars, rater: Stars, baseline: Stars, seed: int
) -> dict[str, int | float]:
    row: dict[str, int | float] = {
        "n_targets": len(actual),
        "rmse": rmse(actual, rater),
        "mae": mae(actual, rater),
        "mean_error": float(np.mean(rater - actual)),
        "baseline_rmse": rmse(actual, baseline),
    }
    if len(actual) < MIN_BIN_TARGETS:
        return row
    squared = np.stack([rater - actual, baseline - actual], axis=1) ** 2
    rater_rmse, baseline_rmse = np.sqrt(bootstrap_means(clusters, squared, seed)).T
    return row | interval_columns({"rmse": rater_rmse, "rmse_diff": rater_rmse - baseline_rmse})

"""Errors by kind of target: of whom, of which movie, of what rating."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float, Int64

from reelgraph.core.metrics import mae, rmse
from reelgraph.core.rating_scale import codes_to_stars
from reelgraph.evaluation.intervals import bootstrap_means, percentile_interval
from reelgraph.evaluation.io import BaselinePredictions
from reelgraph.sequences.dataset import Fit, UserHistories, star_ratings

Stars = Float[np.ndarray, " targets"]
Numbers = Float[np.ndarray, " targets"] | Int64[np.ndarray, " targets"]
Labels = np.ndarray
"""The bin of each target, by name."""

HISTORY = (10, 30, 100, 300)
POPULARITY = (1, 5, 20, 100, 500)
MEAN, SPREAD = (3.0, 3.5, 4.0), (0.6, 0.9, 1.2)
YEARS = (1970, 1980, 1990, 2000, 2010, 2020)


def slice_labels(
    histories: UserHistories,
    fit_end: Int64[np.ndarray, " users"],
    index: Int64[np.ndarray, " targets"],
    year: Float[np.ndarray, " movies"],
) -> dict[str, Labels]:
    """Return the bin of each target in each slice.

    Args:
        histories: everybody's ratings.
        fit_end: end of the rows that models were fitted on, a user: they say how popular a movie is.
        index: the targets.
        year: release year of each movie; NaN where unknown.
    """
    user, movie = histories.users_of(index), histories.movie_row[index]
    seen, mean, spread = _histories(histories, index)
    popularity = np.bincount(histories.movie_row[histories.mask_before(fit_end)], minlength=len(year))[movie]
    released = np.nan_to_num(year[movie]).astype(np.int64)
    new = fit_end[user] == histories.offsets[user]
    half_stars = np.array([_number(code / 2) for code in range(11)])
    return {
        "history": _bins(seen, HISTORY),
        "popularity": np.where(popularity > 0, _bins(popularity, POPULARITY), "unseen"),
        "user_mean": np.where(seen > 0, _bins(mean, MEAN), "none"),
        "user_std": np.where(seen > 0, _bins(spread, SPREAD), "none"),
        "rating": half_stars[histories.half_star_code[index]],
        "year": np.where(released > 0, _bins(released, YEARS), "unknown"),
        "user": np.where(new, "new", "known"),
    }


def _histories(
    histories: UserHistories, index: Int64[np.ndarray, " targets"]
) -> tuple[Int64[np.ndarray, " targets"], Stars, Stars]:
    """Return length, mean and standard deviation (stars) of what was rated before each target."""
    start, end = histories.offsets[histories.users_of(index)], histories.history_end(index)
    code, count = histories.half_star_code.astype(np.int64), end - start
    sums = (np.concatenate([[0], np.cumsum(code**power)]) for power in (1, 2))
    first, second = (total[end] - total[start] for total in sums)
    mean = first / np.maximum(count, 1)
    variance = np.maximum(second / np.maximum(count, 1) - mean**2, 0)
    return count, codes_to_stars(mean), codes_to_stars(np.sqrt(variance))


def _bins(values: Numbers, edges: tuple[int, ...] | tuple[float, ...]) -> Labels:
    """Name the bin of each value: ``under_10``, ``10_to_29``, …, ``300_up``; ``3_5`` is 3.5."""
    whole = isinstance(edges[0], int)
    upto = [edge - 1 if whole else edge for edge in edges[1:]]
    inner = [f"{_number(a)}_to_{_number(b)}" for a, b in zip(edges[:-1], upto, strict=True)]
    names = [f"under_{_number(edges[0])}", *inner, f"{_number(edges[-1])}_up"]
    return np.array(names)[np.searchsorted(np.array(edges), values, side="right")]


def _number(value: int | float) -> str:
    return str(value).replace(".", "_")


def compare_with_best_baseline(
    histories: UserHistories,
    fit: Fit,
    year: Float[np.ndarray, " movies"],
    rater: Stars,
    others: Mapping[str, BaselinePredictions],
    seed: int,
) -> dict[str, dict[str, dict[str, object]]]:
    """Return the figures of each bin of test targets beside the other model that is best on validation.

    Args:
        histories: ratings and targets.
        fit: the fit whose predictions are compared.
        year: release year of each movie; NaN where unknown.
        rater: the rater's predictions of the test targets.
        others: what the other models said.
        seed: of the bootstrap.
    """
    val, index = star_ratings(histories, histories.val), histories.test
    peer = min(others, key=lambda name: (rmse(val, others[name].val), name))
    binned = slice_labels(histories, histories.fit_end(fit), index, year)
    user, actual = histories.users_of(index), star_ratings(histories, index)
    found = metrics_by_slice(binned, user, actual, rater, others[peer].test[fit], seed)
    return {key: {k: {**row, "baseline": peer} for k, row in bins.items()} for key, bins in found.items()}


def metrics_by_slice(
    binned: Mapping[str, Labels],
    user: Int64[np.ndarray, " targets"],
    actual: Stars,
    rater: Stars,
    peer: Stars,
    seed: int,
) -> dict[str, dict[str, dict[str, int | float]]]:
    """Return the figures of each bin that has targets, by slice and bin.

    Args:
        binned: the bin of each target in each slice.
        user: the user of each target.
        actual: stars given.
        rater: the rater's predictions.
        peer: those of the model that it is compared with.
        seed: of the bootstrap.
    """
    found: dict[str, dict[str, dict[str, int | float]]] = {}
    for name, bins in binned.items():
        found[name] = {}
        for each in np.unique(bins):
            mine = bins == each
            found[name][str(each)] = _figures(user[mine], actual[mine], rater[mine], peer[mine], seed)
    return found


def _figures(
    user: Int64[np.ndarray, " targets"], actual: Stars, rater: Stars, peer: Stars, seed: int
) -> dict[str, int | float]:
    squared = np.stack([rater - actual, peer - actual], axis=1) ** 2
    own, other = np.sqrt(bootstrap_means(user, squared, seed)).T
    (low, high), (minus_low, minus_high) = percentile_interval(own), percentile_interval(own - other)
    return {
        "n_targets": len(actual),
        "rmse": rmse(actual, rater),
        "mae": mae(actual, rater),
        "rmse_ci_low": low,
        "rmse_ci_high": high,
        "baseline_rmse": rmse(actual, peer),
        "rmse_diff_ci_low": minus_low,
        "rmse_diff_ci_high": minus_high,
    }

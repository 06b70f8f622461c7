from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from reelgraph.evaluation.intervals import Clusters, target_clusters
from reelgraph.evaluation.io import ModelPredictions
from reelgraph.evaluation.slices import compare_with_best_baseline, metrics_by_slice, slice_labels
from reelgraph.sequences.dataset import FITS, UserHistories, star_ratings
from tests.helpers.history_strategies import histories, random_histories

SLICES = {"history", "popularity", "user_mean", "user_std", "rating", "year", "user"}


def years(movies: int = 40) -> np.ndarray:
    return np.where(np.arange(movies) % 4, 1900 + np.arange(movies) * 3.0, np.nan)


@settings(deadline=None, max_examples=10)  # 2,000 resamples a bin
@given(histories)
def test_metrics_by_slice_partitions_the_targets(h: UserHistories) -> None:
    binned = slice_labels(h, h.fit_end("train"), h.test, years())
    assert set(binned) == SLICES
    actual = star_ratings(h, h.test)
    rng = np.random.default_rng(0)
    rater, baseline = rng.uniform(0.5, 5, (2, len(actual)))
    clusters = target_clusters(h, h.test)
    for bins in metrics_by_slice(binned, clusters, actual, rater, baseline, 0).values():
        count = np.array([row["n_targets"] for row in bins.values()])
        assert count.min() >= 1
        assert count.sum() == len(actual)
        for key, predicted in (("rmse", rater), ("baseline_rmse", baseline)):
            squares = sum(row["n_targets"] * row[key] ** 2 for row in bins.values())
            assert squares / len(actual) == pytest.approx(((predicted - actual) ** 2).mean())


def test_slice_labels_by_hand() -> None:
    h = random_histories(1, 6, 40, 30)
    end = h.fit_end("train")
    result = slice_labels(h, end, h.test, years())
    for i, target in enumerate(h.test):
        before = np.arange(h.offsets[h.users_of(h.test)[i]], target)
        given, movie = h.half_star_code[before] / 2, h.movie_row[target]
        assert result["history"][i] == ("10 to 29" if len(before) < 30 else "30 to 99")
        mean = given.mean()
        expected = "under 3.0" if mean < 3 else "3.0 to 3.5" if mean < 3.5 else "3.5 to 4.0"
        assert result["user_mean"][i] == expected
        assert result["user_std"][i] == ("1.2 and up" if given.std() >= 1.2 else "0.9 to 1.2")
        assert result["rating"][i] == str(h.half_star_code[target] / 2)
        rated = (h.movie_row[h.mask_before(end)] == movie).sum()
        bins = ("unseen", "1", "2 to 4", "2 to 4", "2 to 4")
        assert result["popularity"][i] == (bins[rated] if rated < 5 else "5 to 19")
        if movie % 4 == 0:
            assert result["year"][i] == "unknown"
        elif 1970 <= 1900 + 3 * movie < 1980:
            assert result["year"][i] == "1970 to 1979"
    assert set(result["user"]) == {"known"}
    assert set(slice_labels(h, h.offsets[:-1], h.test, years())["user"]) == {"new"}
    assert set(slice_labels(h, h.offsets[:-1], h.test, years())["popularity"]) == {"unseen"}


def test_slice_labels_without_history() -> None:
    h = random_histories(1, 6, 40, 30)
    result = slice_labels(h, h.fit_end("train"), h.offsets[:-1], years())
    assert set(result["user_mean"]) == set(result["user_std"]) == {"none"}
    assert set(result["history"]) == {"under 10"}


def test_metrics_by_slice_sorts_bins() -> None:
    names = ["unseen", "under 10", "10 to 29", "100 to 299", "300 and up"]
    bins = {"history": np.array(names[::-1])}
    stars = np.full(5, 3.0)
    assert list(metrics_by_slice(bins, Clusters(np.arange(5)), stars, stars, stars, 0)["history"]) == names


def test_metrics_by_slice_of_a_better_rater() -> None:
    rng = np.random.default_rng(0)
    bins = {"half": np.array(["even", "odd"] * 200)}
    actual = np.full(400, 3.0)
    rater = actual + rng.normal(0, 0.5, 400)
    baseline = actual + rng.normal(0, 1.0, 400)
    for row in metrics_by_slice(bins, Clusters(np.arange(400)), actual, rater, baseline, 0)["half"].values():
        assert row["rmse_diff_low"] < row["rmse"] - row["baseline_rmse"] < row["rmse_diff_high"] < 0
        assert row["rmse_low"] < row["rmse"] < row["rmse_high"]


def test_compare_with_best_baseline_takes_the_best_on_validation() -> None:
    h = random_histories(1, 6, 40, 30)
    val, actual = star_ratings(h, h.val), star_ratings(h, h.test)
    others = {
        "first": ModelPredictions(val + 2, dict.fromkeys(FITS, actual)),
        "second": ModelPredictions(val + 1, {"train": actual + 0.5, "train_val": actual + 0.25}),
    }
    for fit, off in others["second"].test.items():
        labels = slice_labels(h, h.fit_end(fit), h.test, years())
        result = compare_with_best_baseline(labels, h, fit, actual + 1, others, 0)
        assert set(result) == SLICES
        for row in (row for bins in result.values() for row in bins.values()):
            assert (row["baseline"], row["rmse"]) == ("second", pytest.approx(1))
            assert row["baseline_rmse"] == pytest.approx((off - actual).max())
            assert row["mean_error"] == pytest.approx(1)
            assert (row["bin_best"], row["bin_best_rmse"], row["bin_best_mean_error"]) == ("first", 0, 0)

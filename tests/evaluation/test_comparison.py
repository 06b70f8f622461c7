from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from reelgraph.core.schemas.kg import KnowledgeGraph, Relation
from reelgraph.evaluation import comparison, examples, intervals, io, plots
from reelgraph.evaluation.bayes_bound import check_no_leak
from reelgraph.evaluation.intervals import (
    Clusters,
    bootstrap_means,
    paired_rmse_interval,
    percentile_interval,
    target_clusters,
)
from reelgraph.evaluation.io import prediction_table
from reelgraph.raters.rater import Attributions, Prediction
from reelgraph.runtime.atomic_io import write_arrays
from reelgraph.runtime.errors import ArtifactError, TrainingError
from reelgraph.sequences.dataset import FITS, Fit, UserHistories, star_ratings
from tests.helpers.history_strategies import random_histories


@pytest.fixture
def histories() -> UserHistories:
    return random_histories(1, 20, 40, 40)


def evaluate_stars(
    histories: UserHistories, val: np.ndarray, test: np.ndarray, **baselines: np.ndarray
) -> comparison.Evaluation:
    predictions = {rows: Prediction(test) for rows in FITS}
    fits = {
        name: io.ModelPredictions(
            predicted[histories.users_of(histories.val)], dict.fromkeys(FITS, predicted)
        )
        for name, predicted in baselines.items()
    }
    return comparison.evaluate(histories, Prediction(val), predictions, fits, "train", seed=0)


def test_evaluate_errors_by_hand(histories: UserHistories) -> None:
    actual = star_ratings(histories, histories.test)
    result = evaluate_stars(
        histories, star_ratings(histories, histories.val), actual + 1, baseline=actual + 2
    )
    rater = result.models["rater"]
    assert rater["rmse"] == rater["mae"] == result.rater["mse"] == pytest.approx(1)
    assert rater["train_rmse"] == rater["rmse_low"] == rater["rmse_high"] == pytest.approx(1)
    assert result.rater["n_targets"] == 20
    assert rater["val_rmse"] == result.rater["val_mae"] == 0
    baseline = result.models["baseline"]
    assert baseline["rmse"] == baseline["train_val_rmse"] == baseline["train_val_mae"] == pytest.approx(2)
    predictions = (actual + 2)[histories.users_of(histories.val)]
    val = np.sqrt(np.mean((predictions - star_ratings(histories, histories.val)) ** 2))
    assert baseline["val_rmse"] == pytest.approx(val)
    assert baseline["rmse_diff_high"] == pytest.approx(-1)
    assert "coverage_80" not in result.rater


def test_rater_metrics_leave_out_what_is_not_measured() -> None:
    row = {"rmse": 0.98765, "rmse_low": 0.94, "rmse_high": 1.03, "mae": 0.71234, "val_rmse": 0.91234}
    metrics = comparison.rater_metrics({"rater": row}, {"bayes_rmse": 0.5, "n_targets": 600})
    assert list(metrics) == ["rmse", "rmse_low", "rmse_high", "mae", "val_rmse", "bayes_rmse"]
    assert metrics["rmse"] == 0.988
    assert metrics["val_rmse"] == 0.912


def test_baseline_metrics_are_of_the_best_on_validation() -> None:
    row = {"rmse": 0.9, "rmse_low": 0.8, "rmse_high": 1.0, "mae": 0.7, "val_rmse": 0.91}
    models = {
        "rater": row | {"val_rmse": 0.1},
        "bias": row,
        "item_knn": row | {"rmse": 0.95, "val_rmse": 0.90},
    }
    assert comparison.baseline_metrics(models) == {
        "best": "item_knn", "rmse": 0.95, "rmse_low": 0.8, "rmse_high": 1.0, "mae": 0.7, "val_rmse": 0.9
    }  # fmt: skip


@pytest.mark.parametrize("fit", FITS)
def test_evaluate_improvement_is_over_the_user_mean_of_the_same_fit(
    histories: UserHistories, fit: Fit
) -> None:
    ends = histories.fit_end(fit)
    user_mean = np.array(
        [histories.half_star_code[a:b].mean() / 2 for a, b in zip(histories.offsets, ends, strict=False)]
    )
    actual = star_ratings(histories, histories.test)
    test = dict.fromkeys(FITS, Prediction((actual + user_mean) / 2))
    val = Prediction(star_ratings(histories, histories.val))
    evaluation = comparison.evaluate(histories, val, test, {}, fit, seed=0)
    assert evaluation.rater["improvement_pct"] == pytest.approx(50)


def test_bayes_bound_metrics_of_real_data_are_empty(histories: UserHistories) -> None:
    actual = star_ratings(histories, histories.test)
    assert comparison.bayes_bound_metrics({}, histories, np.arange(40), actual, 0) == {}


def test_errors_with_intervals_are_paired_with_the_rater() -> None:
    histories = random_histories(4, 300, 40, 20)
    actual = star_ratings(histories, histories.test)
    rng = np.random.default_rng(0)
    rater, baseline = (actual + rng.normal(0, sd, len(actual)) for sd in (1.0, 1.3))
    clusters = target_clusters(histories, histories.test)
    result = comparison.errors_with_intervals(clusters, actual, {"rater": rater, "baseline": baseline}, 0)
    assert set(result["rater"]) == {"rmse", "mae", "rmse_low", "rmse_high", "mae_low", "mae_high"}
    for row in result.values():
        for error in ("rmse", "mae"):
            assert row[f"{error}_low"] < row[error] < row[f"{error}_high"]
    for key, error in (("rmse_diff", "rmse"), ("mae_diff", "mae")):
        difference = result["rater"][error] - result["baseline"][error]
        assert result["baseline"][f"{key}_low"] < difference < result["baseline"][f"{key}_high"] < 0


def test_bootstrap_means_equal_one_user_at_a_time() -> None:
    rng = np.random.default_rng(0)
    user, values = np.sort(rng.integers(0, 40, 200)), rng.normal(size=(200, 2))
    result = bootstrap_means(Clusters(user), values, 0)
    rows_of_user = [np.flatnonzero(user == u) for u in np.unique(user)]
    means = []
    for _ in range(2000):
        rows = np.concatenate(
            [rows_of_user[u] for u in rng.integers(0, len(rows_of_user), len(rows_of_user))]
        )
        means.append(values[rows].mean(axis=0))
    np.testing.assert_allclose(result.mean(axis=0), np.mean(means, axis=0), atol=0.01)
    np.testing.assert_allclose(
        np.quantile(result, 0.975, axis=0), np.quantile(means, 0.975, axis=0), atol=0.02
    )
    np.testing.assert_allclose(np.cov(result.T), np.cov(np.transpose(means)), atol=2e-3)


def test_bootstrap_means_resample_whole_users() -> None:
    values = np.repeat([0.0, 1.0], 500)[:, None]
    result = bootstrap_means(Clusters(np.repeat([7, 9], 500)), values, 0)
    assert set(result.ravel()) == {0.0, 0.5, 1.0}


def test_bootstrap_means_of_groups_have_the_same_variance(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).exponential(size=(6000, 1))
    ungrouped = bootstrap_means(Clusters(np.arange(6000)), values, 0).std()
    monkeypatch.setattr(intervals, "MAX_GROUPS", 2000)
    assert bootstrap_means(Clusters(np.arange(6000)), values, 0).std() == pytest.approx(ungrouped, rel=0.08)


def test_bootstrap_means_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intervals, "MAX_BATCH_COUNTS", 64)
    result = bootstrap_means(Clusters(np.arange(50)), np.arange(50.0)[:, None], 0)
    assert result.shape == (2000, 1)
    assert result.std() == pytest.approx(np.arange(50).std() / np.sqrt(50), rel=0.06)


def test_bootstrap_means_equal_one_user_and_movie_at_a_time() -> None:
    rng = np.random.default_rng(0)
    user, movie = rng.integers(0, 12, 90), rng.integers(0, 8, 90)
    values = rng.normal(size=(90, 2)) + user[:, None] + movie[:, None]
    result = bootstrap_means(Clusters(user, movie), values, 0)
    means = []
    for _ in range(500):
        users, movies = rng.integers(0, 12, 12), rng.integers(0, 8, 8)
        rows = np.concatenate([np.flatnonzero((user == u) & (movie == m)) for u in users for m in movies])
        means.append(values[rows].mean(axis=0))
    np.testing.assert_allclose(result.mean(axis=0), np.mean(means, axis=0), atol=0.3)
    np.testing.assert_allclose(result.std(axis=0), np.std(means, axis=0), rtol=0.12)


def test_bootstrap_means_cover_a_planted_movie_effect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intervals, "N_RESAMPLES", 300)
    rng = np.random.default_rng(0)
    covered = {"users": 0, "users and movies": 0}
    for seed in range(60):
        user, movie = rng.integers(0, 100, 800), rng.integers(0, 40, 800)
        values = 0.2 * rng.normal(size=100)[user] + 0.5 * rng.normal(size=40)[movie] + rng.normal(size=800)
        for name, clusters in (("users", Clusters(user)), ("users and movies", Clusters(user, movie))):
            low, high = percentile_interval(bootstrap_means(clusters, values[:, None], seed)[:, 0])
            covered[name] += low <= 0 <= high
    assert covered["users"] <= 45
    assert covered["users and movies"] >= 54


def test_bootstrap_means_leave_out_resamples_without_targets() -> None:
    clusters = Clusters(np.array([0, 1]), np.array([0, 1]))
    result = bootstrap_means(clusters, np.array([[1.0], [2.0]]), 0)
    assert 0 < len(result) < 2000
    assert set(result.ravel()) == {1.0, 1.5, 2.0}


def test_target_clusters_have_movies_if_the_split_holds_out_movies(histories: UserHistories) -> None:
    assert target_clusters(histories, histories.test).movie is None
    split = replace(histories, test_movies=np.arange(3))
    clusters = target_clusters(split, split.test)
    np.testing.assert_array_equal(clusters.movie, split.movie_row[split.test])
    selected = clusters.select(np.arange(len(clusters.user)) < 2)
    assert (len(selected.user), len(selected.movie)) == (2, 2)


def test_paired_rmse_interval_covers_a_known_difference() -> None:
    rng = np.random.default_rng(0)
    covered = 0
    for seed in range(60):
        user = np.repeat(np.arange(200), 3)
        rater, baseline = rng.normal(0, 1.0, 600) ** 2, rng.normal(0, 1.2, 600) ** 2
        low, high = paired_rmse_interval(user, rater, baseline, seed)
        covered += low <= 1.0 - 1.2 <= high
    assert 50 <= covered <= 60


def test_paired_rmse_interval_of_equal_errors_is_zero() -> None:
    squared = np.arange(10.0)
    assert paired_rmse_interval(np.arange(10), squared, squared, 1) == (0, 0)


def test_check_no_leak_refuses_a_rater_below_the_bound() -> None:
    rng = np.random.default_rng(2)
    actual = rng.integers(1, 11, 300) / 2
    best = actual + rng.normal(0, 0.8, 300)
    with pytest.raises(TrainingError, match="inputs contain test ratings"):
        check_no_leak(np.arange(300), actual, actual.copy(), best, seed=0)
    check_no_leak(np.arange(300), actual, best + 0.0, best, seed=0)


def test_save_evaluation_is_deterministic(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    actual = rng.integers(1, 11, 200) / 2
    predicted = np.clip(actual + rng.normal(0, 1, 200), 0.5, 5)
    scores = {
        "rater": comparison.errors(actual, predicted),
        "user_mean": comparison.errors(actual, actual * 0 + 3),
    }
    for run in ("a", "b"):
        plots.save_evaluation(actual, predicted, scores, tmp_path / run)
    pictures = sorted((tmp_path / "a").iterdir())
    assert len(pictures) == 3
    for picture in pictures:
        assert picture.read_bytes().startswith(b"\x89PNG")
        assert picture.read_bytes() == (tmp_path / "b" / picture.name).read_bytes()


def test_examples_show_titles_ratings_and_unknown_movies(histories: UserHistories) -> None:
    titles = examples.movie_titles([None, "A | B", *["Heat"] * 38], np.arange(100, 140))
    assert titles[:2] == ["Unknown (100)", "A | B"]
    actual = star_ratings(histories, histories.test)
    chosen = {"spread": examples.select(actual, actual + 0.25, 3)["spread"]}
    assert chosen["spread"].tolist() == [0, 9, 19]
    index = histories.test[chosen["spread"]]
    reasons = [Attributions(np.array([i - 2, i - 1]), np.array([0.1, -0.3])) for i in index[:2]]
    reasons.append(Attributions(np.zeros(0, np.int64), np.zeros(0)))
    everywhere = np.arange(40)
    genre = Relation(("Crime", "Drama"), np.ones((2, 3), np.float32), everywhere, everywhere % 2)
    known = examples.SourceInfo(
        titles, KnowledgeGraph(everywhere, {"genre": genre}), [f"u{user}" for user in histories.user_id]
    )
    shown = examples.to_records(histories, chosen, actual + 0.25, reasons, known)["spread"]
    assert [each["movie_id"] for each in shown] == histories.movie_row[index].tolist()
    rows = examples.to_markdown(shown).splitlines()
    assert len(rows) == 5
    assert rows[2].startswith(f"| u{histories.user_id[0]} | ")
    assert all("| +0.25 |" in row for row in rows[2:])
    moved = []
    for i, added in ((index[0] - 1, "-0.30"), (index[0] - 2, "+0.10")):
        row, target = histories.movie_row[i], histories.movie_row[index[0]]
        shared = f" ({genre.entity_names[row % 2]})" if row % 2 == target % 2 else ""
        moved.append(titles[row].replace("|", "\\|") + f" {added}{shared}")
    assert rows[2].endswith(f"| {'; '.join(moved)} |")
    assert "(Crime)" in "".join(rows) or "(Drama)" in "".join(rows)
    assert rows[4].endswith("| – |")


def test_worst_and_best_are_the_largest_and_smallest_errors() -> None:
    actual = np.array([3.0, 3.0, 3.0, 3.0, 3.0, 3.0])
    result = examples.select(actual, actual + np.array([0.1, -2.0, 0.5, 1.0, 0.0, -0.7]), 4)
    assert result["worst"].tolist() == [1, 3]
    assert result["best"].tolist() == [4, 0]
    assert result["spread"].tolist() == [0, 1, 3, 5]
    assert examples.select(actual, actual, 0)["worst"].tolist() == []


def test_predictions_name_user_and_movie(histories: UserHistories) -> None:
    predicted = star_ratings(histories, histories.test)
    result = prediction_table(histories, predicted, np.arange(100, 140)).to_pydict()
    assert result["userId"] == histories.user_id.tolist()
    assert result["movieId"] == (histories.movie_row[histories.test] + 100).tolist()
    assert result["rating"] == result["prediction"]


def test_stale_predictions_of_a_baseline_are_refused(histories: UserHistories, tmp_path: Path) -> None:
    write_arrays(dict.fromkeys(("val", *FITS), np.zeros(3)), tmp_path / "user_mean")
    with pytest.raises(ArtifactError, match=r"float64 of shape \(3,\) instead of 20 predictions"):
        io.read_baseline_predictions(str(tmp_path), ["user_mean"], histories)

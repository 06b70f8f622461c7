"""External baselines are compared with the rater at hand, whatever rater the study saw."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from reelgraph.core.target_rows import MAX_ROWS, write_target_rows
from reelgraph.evaluation.intervals import Clusters
from reelgraph.evaluation.slices import MIN_BIN_TARGETS, metrics_by_slice
from reelgraph.report import inputs
from reelgraph.report.build import summarize
from reelgraph.report.external_baselines import compare_with_rater
from reelgraph.runtime.errors import ArtifactError
from tests.helpers import report_samples

PARAMS = {"seed": 42, "evaluate": {"fit": "train"}, "sequences": {"split": "leave_last_out"}}
STUDY = inputs.Study({"svd": {"rmse": 0.1, "rmse_diff_low": -9.0, "rmse_diff_high": -8.0}}, "", False)


def predictions(error: float, n: int = 600) -> pa.Table:
    """The rater's predictions, each wrong by about ``error`` stars."""
    rng = np.random.default_rng(0)
    actual = rng.integers(3, 9, n) / 2
    noise = error * rng.choice([-1.0, 1.0], n) * rng.uniform(0.9, 1.1, n)
    return pa.table(
        {"userId": np.arange(n) // 2, "movieId": np.arange(n), "rating": actual, "prediction": actual + noise}
    )


def write_study(path: Path, table: pa.Table, error: float = 0.8) -> None:
    """Write what the study of one baseline leaves, whose predictions are wrong by about ``error`` stars."""
    actual = table["rating"].to_numpy()
    noise = error * np.random.default_rng(1).choice([-1.0, 1.0], len(actual))
    columns = {"user": table["userId"].to_numpy(), "movie": table["movieId"].to_numpy(), "actual": actual,
               "svd.train": actual + noise, "svd.train_val": actual + noise / 2}  # fmt: skip
    write_target_rows(columns, 2, path)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (0.5, "significantly better than every other model; the nearest, SVD"),
        (1.2, "significantly worse than SVD"),
        (0.8, "difference to SVD is not significant"),
    ],
)
def test_compare_with_rater_follows_the_rater(tmp_path: Path, error: float, sentence: str) -> None:
    write_study(tmp_path / "peers.tsv", predictions(0.5))
    table = predictions(error)
    study = compare_with_rater(STUDY, tmp_path / "peers.tsv", table, PARAMS)
    row = study.metrics["svd"]
    assert row["rmse"] == row["train_rmse"] == pytest.approx(0.8)
    assert row["train_val_rmse"] == pytest.approx(0.4)
    sample = report_samples.inputs(3)
    studies = {**sample.studies, "external_baselines": study}
    models = {"rater": sample.metrics["models"]["rater"] | {"rmse": error}}
    inputs_with_study = replace(
        sample, studies=studies, metrics={**sample.metrics, "models": models}, predictions=table
    )
    assert sentence in " ".join(summarize(inputs_with_study))


def test_compare_with_rater_uses_the_reported_fit(tmp_path: Path) -> None:
    write_study(tmp_path / "peers.tsv", predictions(0.5))
    params = {**PARAMS, "evaluate": {"fit": "train_val"}}
    row = compare_with_rater(STUDY, tmp_path / "peers.tsv", predictions(0.5), params).metrics["svd"]
    assert row["rmse"] == pytest.approx(0.4)
    assert row["rmse_diff_low"] > 0


def test_compare_with_rater_resamples_the_movies_of_a_split_that_holds_them_out(tmp_path: Path) -> None:
    table = predictions(0.5)
    table = table.set_column(1, "movieId", pa.array(np.arange(600) % 20))
    write_study(tmp_path / "peers.tsv", table)
    of_users, of_both = (
        compare_with_rater(STUDY, tmp_path / "peers.tsv", table, PARAMS | {"sequences": {"split": split}})
        for split in ("given", "cold_movies")
    )
    for study in (of_users, of_both):
        assert study.metrics["svd"]["rmse_diff_high"] < 0
    assert of_users.metrics["svd"]["rmse_low"] != of_both.metrics["svd"]["rmse_low"]


def test_compare_with_rater_leaves_out_other_targets(tmp_path: Path) -> None:
    write_study(tmp_path / "peers.tsv", predictions(0.5))
    table = predictions(0.5)
    ratings = pa.array(np.append(table["rating"].to_numpy()[1:], 0.5))
    for other in (table.slice(1), predictions(0.5, 700), table.set_column(2, "rating", ratings)):
        study = compare_with_rater(STUDY, tmp_path / "peers.tsv", other, PARAMS)
        assert study == inputs.Study({}, inputs.OTHER_DATA, False)


def test_compare_with_rater_draws_the_targets_of_the_study(tmp_path: Path) -> None:
    table = predictions(0.5, MAX_ROWS + 100)
    write_study(tmp_path / "peers.tsv", table)
    assert "rmse_diff_low" in compare_with_rater(STUDY, tmp_path / "peers.tsv", table, PARAMS).metrics["svd"]


def test_compare_with_rater_without_the_study(tmp_path: Path) -> None:
    not_run = inputs.Study({}, inputs.NOT_RUN, False)
    assert compare_with_rater(not_run, tmp_path / "none.tsv", predictions(0.5), PARAMS) == not_run


def test_compare_with_rater_rejects_a_broken_file(tmp_path: Path) -> None:
    (tmp_path / "peers.tsv").write_text("user\tmovie\n1\t2\n")
    with pytest.raises(ArtifactError, match="no column actual"):
        compare_with_rater(STUDY, tmp_path / "peers.tsv", predictions(0.5), PARAMS)


@pytest.mark.parametrize("count", [MIN_BIN_TARGETS - 1, MIN_BIN_TARGETS])
def test_metrics_by_slice_have_intervals_from_30_targets(count: int) -> None:
    actual = np.full(count, 4.0)
    bins = {"rating": np.full(count, "4.0")}
    row = metrics_by_slice(bins, Clusters(np.arange(count)), actual, actual - 1, actual - 0.5, 0)["rating"][
        "4.0"
    ]
    assert ("rmse_low" in row, "rmse_diff_high" in row) == (count == MIN_BIN_TARGETS,) * 2

"""Files of results: rounding by intervals, metrics and tables."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelgraph.core.schemas.reports import (
    TABLES,
    format_figures,
    read_reports,
    read_table,
    round_figures,
    supported_decimals,
    write_metrics,
    write_table,
)
from reelgraph.runtime.errors import ArtifactError


@pytest.mark.parametrize(
    ("half_width", "decimals"), [(0.0, 4), (0.00002, 4), (0.0038, 4), (0.01, 3), (0.045, 3), (0.5, 2), (3.0, 1), (80.0, 0)]
)  # fmt: skip
def test_supported_decimals_keep_two_digits_of_half_the_width(half_width: float, decimals: int) -> None:
    assert supported_decimals(1 - half_width, 1 + half_width) == decimals


def test_round_figures_uses_the_interval_of_the_figure() -> None:
    row = {
        "rmse": 0.778415, "rmse_low": 0.733469, "rmse_high": 0.824449, "val_rmse": 0.772346,
        "rmse_diff_low": -0.026508, "rmse_diff_high": 0.004442, "coverage_80": 0.898333, "n_targets": 600,
        "best": "bias",
    }  # fmt: skip
    assert round_figures(row) == {
        "rmse": 0.778, "rmse_low": 0.733, "rmse_high": 0.824, "val_rmse": 0.772,
        "rmse_diff_low": -0.027, "rmse_diff_high": 0.004, "coverage_80": 0.898, "n_targets": 600,
        "best": "bias",
    }  # fmt: skip


def test_round_figures_uses_the_deviation_over_seeds() -> None:
    row = {"val_rmse": 0.931214, "val_rmse_std": 0.004571, "pair_cos_std": 0.201432}
    assert round_figures(row) == {"val_rmse": 0.9312, "val_rmse_std": 0.0046, "pair_cos_std": 0.201}


@given(st.floats(-1, 1), st.floats(0.0001, 1))
def test_round_figures_moves_no_figure_by_more_than_a_tenth_of_its_interval(
    value: float, width: float
) -> None:
    row = {"x": value, "x_low": value - width / 2, "x_high": value + width / 2}
    rounded = round_figures(row)
    assert all(abs(float(str(rounded[key])) - row[key]) <= max(width / 10, 0.00005) + 1e-12 for key in row)
    assert "-0.0" not in map(str, rounded.values())


def test_write_metrics_keeps_the_order_and_rejects_what_is_not_finite(tmp_path: Path) -> None:
    write_metrics({"rmse": np.float64(1.23456), "a": np.int64(2)}, tmp_path / "m.json")
    assert (tmp_path / "m.json").read_text() == '{\n  "rmse": 1.235,\n  "a": 2\n}\n'
    for invalid in (float("nan"), np.inf, [1], None):
        with pytest.raises(ValueError, match=r"m.json: x is"):
            write_metrics({"x": invalid}, tmp_path / "m.json")


def test_read_table_returns_what_write_table_wrote(tmp_path: Path) -> None:
    rows = {
        "history": {"10 to 29": {"n_targets": 4, "rmse": 0.5, "baseline": "bias"}, "3.0": {"n_targets": 0}},
        "user": {"new": {"rmse": -0.25, "mae": 1e-4}},
    }
    write_table(rows, ["slice", "bin"], tmp_path / "slices.tsv")
    lines = (tmp_path / "slices.tsv").read_text().splitlines()
    assert lines[:2] == ["slice\tbin\tn_targets\trmse\tbaseline\tmae", "history\t10 to 29\t4\t0.5\tbias\t"]
    assert read_table(tmp_path / "slices.tsv", ["slice", "bin"]) == {
        **rows, "user": {"new": {"rmse": -0.25, "mae": 0.0}}
    }  # fmt: skip


def test_read_reports_counts_a_missing_file_as_empty(tmp_path: Path) -> None:
    write_table({"rater": {"rmse": 0.5}}, TABLES["models"], tmp_path / "models.tsv")
    reports = read_reports(tmp_path)
    assert reports.pop("models") == {"rater": {"rmse": 0.5}}
    assert set(reports) == set(TABLES) - {"models"}
    assert not any(reports.values())


@pytest.mark.parametrize("text", ["", "name\trmse\n", "model\trmse\nbias\n", "model\trmse\nbias\t1\t2\n"])
def test_read_table_error_names_the_file_and_the_remedy(tmp_path: Path, text: str) -> None:
    (tmp_path / "t.tsv").write_text(text)
    with pytest.raises(ArtifactError, match=r"t\.tsv: expected a table with the columns model.*dvc repro"):
        read_table(tmp_path / "t.tsv", ["model"])
    with pytest.raises(ArtifactError, match="no file"):
        read_table(tmp_path / "u.tsv", ["model"])


def test_format_figures_shares_the_decimals() -> None:
    assert format_figures([0.79, 0.8123, 1.0]) == ["0.7900", "0.8123", "1.0000"]
    assert format_figures([]) == []

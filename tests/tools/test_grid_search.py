from __future__ import annotations

from pathlib import Path

import pytest

from reelgraph.core.metrics import rmse
from reelgraph.sequences.dataset import star_ratings, write_histories
from tests.baselines.test_baselines import PARAMS
from tests.helpers.planted_ratings import planted_histories
from tools import grid_search


def test_parameter_grid() -> None:
    grid = list(grid_search.parameter_grid(["l2=1,2.5", "iterations=3"]))
    assert grid == [{"l2": 1, "iterations": 3}, {"l2": 2.5, "iterations": 3}]
    assert list(grid_search.parameter_grid([])) == [{}]


def test_main_prints_best_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    histories = planted_histories(5, users=60)
    params = Path("params.yaml").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text(params, encoding="utf-8")
    write_histories(histories, "data/sequences")
    grid_search.main("baselines.biased_mf", "l2=1.0,1000.0")
    lines = capsys.readouterr().out.split()
    assert lines[-1] == "l2=1.0"
    assert float(lines[-2]) < float(lines[-4])


def test_validation_rmse_fits_training_rows() -> None:
    histories = planted_histories(6, users=30)
    error = grid_search.validation_rmse(histories, "baselines", "user_mean", PARAMS["user_mean"])
    predict = grid_search.load_baseline("user_mean", {})
    predictions = predict(histories, histories.fit_end("train"), histories.val)
    assert error == rmse(star_ratings(histories, histories.val), predictions)

from __future__ import annotations

from pathlib import Path

import pytest

from reelgraph.core.metrics import rmse
from reelgraph.runtime.errors import ParamError
from reelgraph.sequences.dataset import star_ratings, write_histories
from studies.external_baselines.params import EXTERNAL_BASELINES_FILE
from tests.baselines.test_baselines import PARAMS
from tests.helpers.planted_ratings import planted_histories
from tools import grid_search

ROOT = Path(__file__).parents[2]


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
    external = Path(EXTERNAL_BASELINES_FILE)
    external.parent.mkdir(parents=True)
    external.write_text((ROOT / external).read_text(encoding="utf-8"), encoding="utf-8")
    write_histories(histories, "data/sequences")
    grid_search.main("baselines.biased_mf", "l2=1.0,1000.0")
    lines = capsys.readouterr().out.split()
    assert lines[-1] == "l2=1.0"
    assert float(lines[-2]) < float(lines[-4])
    for arguments, message in (
        ((), r"one of baselines\.global_mean"),
        (("baselines.none",), "got another name"),
        (("baselines.biased_mf", "l2"), "expected key=value,value"),
        (("baselines.biased_mf", "l3=1"), r"biased_mf\.l3"),
    ):
        with pytest.raises(ParamError, match=message):
            grid_search.main(*arguments)


def test_validation_rmse_fits_training_rows() -> None:
    histories = planted_histories(6, users=30)
    error = grid_search.validation_rmse(histories, "user_mean", PARAMS["user_mean"])
    predict = grid_search.load_baseline("user_mean", {})
    predictions = predict(histories, histories.fit_end("train"), histories.val)
    assert error == rmse(star_ratings(histories, histories.val), predictions)

from __future__ import annotations

from pathlib import Path

import pytest

from reelgraph.cli import tune
from reelgraph.histories.arrays import write_histories
from reelgraph.histories.ratings import stars
from reelgraph.metrics import rmse
from tests.baselines.planted import planted
from tests.baselines.test_baselines import PARAMS


def test_combinations_are_all_of_them() -> None:
    found = list(tune.combinations(["ridge=1,2.5", "sweeps=3"]))
    assert found == [{"ridge": 1, "sweeps": 3}, {"ridge": 2.5, "sweeps": 3}]
    assert list(tune.combinations([])) == [{}]


def test_the_best_is_printed_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    h = planted(5, users=60)
    params = Path("params.yaml").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text(params, encoding="utf-8")
    write_histories(h, "data/histories")
    tune.main("baselines.biased_mf", "ridge=1.0,1000.0")
    lines = capsys.readouterr().out.split()
    assert lines[-1] == "ridge=1.0"
    assert float(lines[-2]) < float(lines[-4])


def test_the_figure_is_that_of_training_rows_on_validation_targets() -> None:
    h = planted(6, users=30)
    found = tune.validation_rmse(h, "baselines", "user_mean", PARAMS["user_mean"])
    predict = tune.load_baseline("reelgraph.baselines", "user_mean", {})
    assert found == rmse(stars(h, h.val), predict(h, h.fit_end("train"), h.val))

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tools.check_reproducible import metric_differences


@pytest.fixture
def committed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = Path("m.json")
    path.write_text(json.dumps({"a": {"rmse": 0.9, "rank": 232.0}, "peer": "bias"}))
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    for command in (("init", "-q"), ("add", "m.json"), (*identity, "commit", "-qm", "m")):
        subprocess.run(("git", *command), check=True)
    return path


@pytest.mark.parametrize(
    ("metrics", "expected"),
    [
        ({"a": {"rmse": 0.9049, "rank": 233.1}, "peer": "bias"}, []),
        ({"a": {"rmse": 0.9051, "rank": 232.0}, "peer": "bias"}, ["m.json: a.rmse was 0.9, is 0.9051"]),
        ({"a": {"rmse": 0.9, "rank": 230.0}, "peer": "bias"}, ["m.json: a.rank was 232.0, is 230.0"]),
        (
            {"a": {"rmse": 0.9, "rank": 232.0}, "peer": "user_mean"},
            ["m.json: peer was 'bias', is 'user_mean'"],
        ),
        ({"a": {"rmse": 0.9}, "peer": "bias"}, ["m.json: a.rank was removed"]),
    ],
)
def test_metric_differences(committed: Path, metrics: dict, expected: list[str]) -> None:
    committed.write_text(json.dumps(metrics))
    assert metric_differences(committed) == expected

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tools.check_reproducible import list_differences


@pytest.fixture
def committed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("m.json").write_text(json.dumps({"a": {"rmse": 0.9, "rank": 232.0}, "peer": "bias"}))
    Path("ranking.tsv").write_text("model\tn_users\tndcg_10\nrater\t3\t0.2\n")
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    for command in (("init", "-q"), ("add", "."), (*identity, "commit", "-qm", "m")):
        subprocess.run(("git", *command), check=True)
    return Path("m.json")


@pytest.mark.parametrize(
    ("metrics", "expected"),
    [
        ({"a": {"rmse": 0.9019, "rank": 232.4}, "peer": "bias"}, []),
        ({"a": {"rmse": 0.9021, "rank": 232.0}, "peer": "bias"}, ["m.json: a.rmse was 0.9, is 0.9021"]),
        ({"a": {"rmse": 0.9, "rank": 230.0}, "peer": "bias"}, ["m.json: a.rank was 232.0, is 230.0"]),
        (
            {"a": {"rmse": 0.9, "rank": 232.0}, "peer": "user_mean"},
            ["m.json: peer was 'bias', is 'user_mean'"],
        ),
        ({"a": {"rmse": 0.9}, "peer": "bias"}, ["m.json: a.rank was removed"]),
    ],
)
def test_list_differences_of_metrics(committed: Path, metrics: dict, expected: list[str]) -> None:
    committed.write_text(json.dumps(metrics))
    assert list_differences(committed) == expected


@pytest.mark.usefixtures("committed")
def test_list_differences_of_a_table() -> None:
    table = Path("ranking.tsv")
    assert list_differences(table) == []
    table.write_text("model\tn_users\tndcg_10\nrater\t3\t0.3\nbias\t3\t\n")
    assert list_differences(table) == [
        "ranking.tsv: bias.n_users was added",
        "ranking.tsv: rater.ndcg_10 was 0.2, is 0.3",
    ]

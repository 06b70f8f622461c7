from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tools.check_reproducible import list_differences
from tools.review.revision import Sides


@pytest.fixture
def committed(tmp_path: Path) -> Sides:
    """A project in a subfolder of its repository, whose files are committed."""
    root = tmp_path / "project"
    root.mkdir()
    (root / "m.json").write_text(json.dumps({"a": {"rmse": 0.9, "rank": 232.0}, "peer": "bias"}))
    (root / "ranking.tsv").write_text("model\tn_users\tndcg_10\nrater\t3\t0.2\n")
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    for command in (("init", "-q"), ("add", "."), (*identity, "commit", "-qm", "m")):
        subprocess.run(("git", *command), cwd=tmp_path, check=True)
    return Sides(root, "HEAD")


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
def test_list_differences_of_metrics(committed: Sides, metrics: dict, expected: list[str]) -> None:
    (committed.root / "m.json").write_text(json.dumps(metrics))
    assert list_differences(committed, "m.json") == expected


def test_list_differences_of_a_file_on_one_side(committed: Sides) -> None:
    (committed.root / "m.json").rename(committed.root / "new.json")
    keys = ("a.rank", "a.rmse", "peer")
    assert list_differences(committed, "m.json") == [f"m.json: {key} was removed" for key in keys]
    assert list_differences(committed, "new.json") == [f"new.json: {key} was added" for key in keys]


def test_list_differences_of_a_table(committed: Sides) -> None:
    table = committed.root / "ranking.tsv"
    assert list_differences(committed, "ranking.tsv") == []
    table.write_text("model\tn_users\tndcg_10\nrater\t3\t0.3\nbias\t3\t\n")
    assert list_differences(committed, "ranking.tsv") == [
        "ranking.tsv: bias.n_users was added",
        "ranking.tsv: rater.ndcg_10 was 0.2, is 0.3",
    ]

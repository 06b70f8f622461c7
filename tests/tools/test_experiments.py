from __future__ import annotations

from pathlib import Path

import pytest

from tests.tools.test_pr_report import git, write_run
from tools.experiments import format_runs, read_runs

BASE = "0123456789" * 4


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project in a subfolder with the refs that DVC gives experiments."""
    root = tmp_path / "sub"
    root.mkdir()
    git(tmp_path, "init", "-q")
    runs = {"other-split": {"error": -0.2, "n": 300}, "worse": {"error": 0.1}, "better": {"error": -0.1}}
    for name, run in runs.items():
        write_run(root, params={"hidden_dim": len(name)}, **run)
        git(tmp_path, "add", "-A")
        git(tmp_path, "commit", "-qm", name)
        git(tmp_path, "update-ref", f"refs/exps/{BASE[:2]}/{BASE[2:]}/{name}", "HEAD")
    git(tmp_path, "update-ref", "refs/exps/celery/stash", "HEAD")
    write_run(root)
    return root


def test_format_runs_ranks_equal_targets_only(root: Path) -> None:
    first, second = format_runs(read_runs(root)).split("\n\n")
    header, columns, *rows = first.splitlines()
    assert header.endswith("(400): comparable with each other only")
    assert [row.split()[0] for row in rows] == ["better", "workspace", "worse"]
    assert rows[0].split() == ["better", "0.4000", "0.4000", "model.hidden_dim=6"]
    assert rows[1].split() == ["workspace", "0.5000", "0.5000"]
    assert [line.split()[0] for line in second.splitlines()] == ["Targets", "run", "other-split"]
    assert columns.startswith("run")


def test_read_runs_leaves_out_runs_without_predictions(root: Path) -> None:
    (root / "plots/predictions.tsv").unlink()
    assert "workspace" not in {run.name for run in read_runs(root)}


def test_read_runs_leaves_out_runs_without_errors(root: Path) -> None:
    (root / "metrics/rater.json").write_text('{"test_rmse": 0.9}')
    assert "workspace" not in {run.name for run in read_runs(root)}

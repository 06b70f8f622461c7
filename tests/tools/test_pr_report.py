from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tools.pr_report import _difference, _lock, _metrics, _params, _plots


def test_metrics_sorted_by_importance() -> None:
    change = {"old": 1.0, "new": 1.5, "diff": 0.5}
    diff = {
        "metrics/baselines.json": {"bias.rmse": change},
        "metrics/embeddings.json": {"text.raw.rmse": change},
        "metrics/rater.json": {
            "parameters": change,
            "val.mae": change,
            "test.mae": change,
            "test.rmse": change,
            "test.mse": change,
        },
    }
    rows = list(_metrics(diff))
    assert [row[1] for row in rows] == [
        "`rater.json: test.rmse`", "`rater.json: test.mae`", "`rater.json: test.mse`", "`rater.json: val.mae`",
        "`rater.json: parameters`", "`baselines.json: bias.rmse`", "`embeddings.json: text.raw.rmse`",
    ]  # fmt: skip
    assert rows[0] == ("metric", "`rater.json: test.rmse`", "1", "1.5", "+0.5")


def test_metrics_added_or_removed_has_dash() -> None:
    assert list(_metrics({"metrics/links.json": {"gnn.micro.mrr": {"old": None, "new": 0.31234567}}})) == [
        ("metric", "`links.json: gnn.micro.mrr`", "–", "0.312346", "")
    ]
    assert list(_params({"params.yaml": {"gnn.act": {"old": "a|b", "new": None}}})) == [
        ("param", "`gnn.act`", "a\\|b", "–", "")
    ]


def test_difference_names_changed_parts() -> None:
    old = {"cmd": "python -m stages.layout_map a", "deps": [1], "outs": [1]}
    assert _difference(None, old) == ("–", "added", "")
    assert _difference(old, None) == ("present", "removed", "")
    assert _difference(old, {**old, "deps": [2], "outs": [2]}) == ("", "", "changed deps, outs")


def test_lock_names_stale_stages() -> None:
    assert _lock("dvc.yaml", {}) == ("lock", "`dvc.yaml`", "", "up to date", "")
    assert _lock("dvc.yaml", {"map": [], "studies/x/dvc.yaml:run": []})[3] == "stale: map, run"


def test_lock_missing_data_is_not_stale() -> None:
    deleted = [{"changed deps": {"data/movies.parquet": "deleted"}}, {"changed outs": {"data/kg": "deleted"}}]
    assert _lock("dvc.yaml", {"map": deleted})[3] == "up to date; data of 1 stages missing"
    uncached = [{"changed outs": {"data/external_baselines/svd": "not in cache"}}]
    assert _lock("dvc.yaml", {"external_baseline@svd": uncached})[3] == "up to date; data of 1 stages missing"
    code = [
        {"changed deps": {"data/movies.parquet": "deleted", "reelgraph/runtime/atomic_io.py": "modified"}}
    ]
    params = [{"changed deps": {"params.yaml": {"gp.epochs": "modified"}}}]
    both = _lock("dvc.yaml", {"map": deleted, "report": code, "links": params, "filter": ["changed command"]})
    assert both[3] == "stale: filter, links, report; data of 1 stages missing"


def test_plots_names_changed_plots(tmp_path: Path) -> None:
    def git(*words: str) -> None:
        subprocess.run(
            ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *words], cwd=tmp_path, check=True
        )

    (tmp_path / "plots").mkdir()
    (tmp_path / "plots/old.png").write_bytes(b"1")
    (tmp_path / "plots/same.png").write_bytes(b"1")
    git("init", "-q")
    git("add", "-A")
    git("commit", "-qm", "base")
    (tmp_path / "plots/old.png").write_bytes(b"2")
    (tmp_path / "plots/new.png").write_bytes(b"1")
    git("add", "-A")
    assert list(_plots(tmp_path, "HEAD")) == [
        ("plot", "`new.png`", "–", "added", ""), ("plot", "`old.png`", "", "changed", "")]  # fmt: skip


WORKFLOW = Path(__file__).parents[2] / ".github/workflows/review.yml"
FAKE_GH = """#!/bin/bash
echo "$@" >> "$CALLS"
case "$*" in *--paginate*) printf '%s' "$COMMENT_ID" ;; esac
"""
"""Replaces GitHub's command: it records its arguments and prints the id of the existing comment."""


@pytest.mark.parametrize(("comment_id", "expected"), [("", "--method POST repos/o/r/issues/7/comments"),
                                                ("42\n", "--method PATCH repos/o/r/issues/comments/42")])  # fmt: skip
def test_workflow_updates_its_comment(tmp_path: Path, comment_id: str, expected: str) -> None:
    steps = YAML(typ="safe").load(WORKFLOW)["jobs"]["review"]["steps"]
    (tmp_path / "gh").write_text(FAKE_GH)
    (tmp_path / "gh").chmod(0o755)
    (tmp_path / "comment.md").write_text("x")
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "CALLS": str(tmp_path / "calls"), "COMMENT_ID": comment_id,
           "COMMENTS": "repos/o/r/issues/7/comments", "COMMENT": "repos/o/r/issues/comments"}  # fmt: skip
    subprocess.run(["bash", "-eo", "pipefail", "-c", steps[-1]["run"]], cwd=tmp_path, env=env, check=True)
    calls = (tmp_path / "calls").read_text().splitlines()
    assert calls[-1] == f"api {expected} --field body=@comment.md --silent"
    assert len([line for line in calls if "--method" in line]) == 1


def test_workflow_pins_actions_and_limits_permissions() -> None:
    text = WORKFLOW.read_text(encoding="utf-8")
    flow = YAML(typ="safe").load(text)
    used = [step["uses"] for step in flow["jobs"]["review"]["steps"] if "uses" in step]
    assert used
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", each) for each in used)
    assert flow["permissions"] == {"contents": "read", "pull-requests": "write"}
    # What comes from outside goes into scripts through the environment only.
    assert not any("${{" in step.get("run", "") for step in flow["jobs"]["review"]["steps"])

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tools.pr_report import _difference, _lock, _metrics, _params, _plots


def test_metrics_come_by_importance() -> None:
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


def test_what_came_or_went_has_a_dash() -> None:
    assert list(_metrics({"metrics/links.json": {"gnn.micro.mrr": {"old": None, "new": 0.31234567}}})) == [
        ("metric", "`links.json: gnn.micro.mrr`", "–", "0.312346", "")
    ]
    assert list(_params({"params.yaml": {"gnn.act": {"old": "a|b", "new": None}}})) == [
        ("param", "`gnn.act`", "a\\|b", "–", "")
    ]


def test_stages_say_what_of_them_is_other() -> None:
    old = {"cmd": "python -m stages.layout_map a", "deps": [1], "outs": [1]}
    assert _difference(None, old) == ("–", "new", "")
    assert _difference(old, None) == ("there", "gone", "")
    assert _difference(old, {**old, "deps": [2], "outs": [2]}) == ("", "", "other deps, outs")


def test_the_lock_says_which_stages_are_stale() -> None:
    assert _lock("dvc.yaml", {}) == ("lock", "`dvc.yaml`", "", "up to date", "")
    assert _lock("dvc.yaml", {"map": [], "studies/x/dvc.yaml:run": []})[3] == "stale: map, run"


def test_a_clone_without_data_is_not_stale() -> None:
    deleted = [{"changed deps": {"data/movies.parquet": "deleted"}}, {"changed outs": {"data/kg": "deleted"}}]
    assert _lock("dvc.yaml", {"map": deleted})[3] == "up to date; data of 1 stages not here"
    uncached = [{"changed outs": {"data/external_baselines/svd": "not in cache"}}]
    assert (
        _lock("dvc.yaml", {"external_baseline@svd": uncached})[3] == "up to date; data of 1 stages not here"
    )
    code = [
        {"changed deps": {"data/movies.parquet": "deleted", "reelgraph/runtime/atomic_io.py": "modified"}}
    ]
    params = [{"changed deps": {"params.yaml": {"gp.epochs": "modified"}}}]
    both = _lock("dvc.yaml", {"map": deleted, "report": code, "links": params, "filter": ["changed command"]})
    assert both[3] == "stale: filter, links, report; data of 1 stages not here"


def test_plots_that_differ_are_named(tmp_path: Path) -> None:
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
        ("plot", "`new.png`", "–", "new", ""), ("plot", "`old.png`", "", "other", "")]  # fmt: skip


WORKFLOW = Path(__file__).parents[2] / ".github/workflows/review.yml"
FAKE_GH = """#!/bin/bash
echo "$@" >> "$ASKED"
case "$*" in *--paginate*) printf '%s' "$MINE" ;; esac
"""
"""GitHub's own command isn't here, nor GitHub: this one notes what it is asked, and says what comment there is."""


@pytest.mark.parametrize(("mine", "expected"), [("", "--method POST repos/o/r/issues/7/comments"),
                                                ("42\n", "--method PATCH repos/o/r/issues/comments/42")])  # fmt: skip
def test_the_workflow_posts_once_and_then_updates_its_own_comment(
    tmp_path: Path, mine: str, expected: str
) -> None:
    steps = YAML(typ="safe").load(WORKFLOW)["jobs"]["review"]["steps"]
    (tmp_path / "gh").write_text(FAKE_GH)
    (tmp_path / "gh").chmod(0o755)
    (tmp_path / "comment.md").write_text("x")
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "ASKED": str(tmp_path / "asked"), "MINE": mine,
           "COMMENTS": "repos/o/r/issues/7/comments", "ALL": "repos/o/r/issues/comments"}  # fmt: skip
    subprocess.run(["bash", "-eo", "pipefail", "-c", steps[-1]["run"]], cwd=tmp_path, env=env, check=True)
    asked = (tmp_path / "asked").read_text().splitlines()
    assert asked[-1] == f"api {expected} --field body=@comment.md --silent"
    assert len([line for line in asked if "--method" in line]) == 1


def test_the_workflow_pins_its_actions_and_may_do_little() -> None:
    text = WORKFLOW.read_text(encoding="utf-8")
    flow = YAML(typ="safe").load(text)
    used = [step["uses"] for step in flow["jobs"]["review"]["steps"] if "uses" in step]
    assert used
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", each) for each in used)
    assert flow["permissions"] == {"contents": "read", "pull-requests": "write"}
    # What comes from outside goes into scripts through the environment only.
    assert not any("${{" in step.get("run", "") for step in flow["jobs"]["review"]["steps"])

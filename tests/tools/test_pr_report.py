"""The review: a verdict, params, lock and stages first, and text from data that stays text."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from ruamel.yaml import YAML

from reelgraph.core.target_rows import write_target_rows
from reelgraph.runtime.atomic_io import write_json
from tests.evaluation.test_markdown import TITLES
from tools import pr_report
from tools.pr_report import MAX_BYTES
from tools.review.revision import Sides
from tools.review.sections import _lock_state

LOCK = "Lock: `dvc.yaml` is up to date."

STAGE = """stages:
  evaluate:
    cmd: echo
    params: [model]
    metrics:
      - metrics/rater.json:
          cache: false
    plots:
      - plots/predictions.tsv:
          cache: false
"""


def git(folder: Path, *words: str) -> None:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project in a subfolder of a git repository."""
    top = tmp_path_factory.mktemp("mono")
    root = top / "sub"
    root.mkdir()
    git(top, "init", "-q")
    subprocess.run([sys.executable, "-m", "dvc", "init", "--subdir", "-q"], cwd=root, check=True)
    (root / "dvc.yaml").write_text(STAGE)
    write_run(root)
    git(top, "add", "-A")
    git(top, "commit", "-qm", "base")
    return top


@pytest.fixture
def root(template: Path) -> Path:
    git(template, "checkout", "-q", "--", ".")
    git(template, "clean", "-fdq", "--", "sub")
    return template / "sub"


def md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


def build_report(root: Path) -> str:
    return pr_report.build_report(Sides(root, "HEAD"), LOCK)


def write_run(
    root: Path, error: float = 0.0, params: dict | None = None, seed: int = 0, n: int = 400, **hashes: str
) -> None:
    """Write what a run leaves in git; ``error`` is added to each absolute error."""
    rng = np.random.default_rng(seed)
    actual = rng.integers(1, 11, n) / 2
    predicted = actual + (0.5 + error) * rng.choice([-1.0, 1.0], n)
    columns = {"user": np.arange(n) // 2, "movie": np.arange(n), "actual": actual, "predicted": predicted}
    write_target_rows(columns, 2, root / "plots/predictions.tsv")
    values = params or {"hidden_dim": 128}
    (root / "params.yaml").write_text(json.dumps({"model": values}))
    rmse = 0.5 + error
    metrics = {"rmse": rmse, "rmse_low": 0.49, "rmse_high": 0.51, "val_rmse": rmse}
    write_json(metrics, root / "metrics/rater.json")
    entry = {
        "cmd": "echo",
        "deps": [{"path": path, "md5": md5(text)} for path, text in ({"reelgraph/core": "c0"} | hashes).items()],
        "params": {"params.yaml": {"model": values}},
        "outs": [{"path": "metrics/rater.json", "md5": md5(f"{rmse}")}, {"path": "plots/predictions.tsv", "md5": md5(f"{rmse}")}],
    }  # fmt: skip
    with (root / "dvc.lock").open("w") as file:
        YAML().dump({"schema": "2.0", "stages": {"evaluate": entry}}, file)


def test_build_report_in_a_subfolder_finds_nothing_new(root: Path) -> None:
    assert build_report(root).splitlines()[0] == "No param, stage, metric or plot differs from HEAD."


def test_build_report_begins_with_verdict_params_lock_and_stages(root: Path) -> None:
    write_run(root, 0.1, {"hidden_dim": 256})
    lines = build_report(root).splitlines()
    assert len(lines) <= 40
    assert (
        lines[0] == "**test RMSE 0.5000 → 0.6000, +0.1000, 95 % +0.1000…+0.1000: worse (400 test targets)**"
    )
    order = [
        "- test MAE 0.5000 → 0.6000",
        "| `model.hidden_dim` | 128 | 256 |",
        "Lock: `dvc.yaml`",
        "- `evaluate`: `param model.hidden_dim`",
        "Metrics beyond the interval of the base:",
        "| `rater: rmse` | 0.5 | 0.6 | +0.1 | 0.49…0.51 |",
        "<details><summary>Other metrics (1)</summary>",
        "| `rater: val_rmse` | 0.5 | 0.6 | +0.1 |  |",
        "- [predictions.tsv](plots/predictions.tsv)",
    ]
    positions = [next(i for i, line in enumerate(lines) if line.startswith(start)) for start in order]
    assert positions == sorted(positions)


@pytest.mark.parametrize(("error", "verdict"), [(-0.1, "better"), (0.1, "worse")])
def test_build_report_tells_better_from_worse(root: Path, error: float, verdict: str) -> None:
    write_run(root, error, {"hidden_dim": 256})
    assert f": {verdict} (400 test targets)**" in build_report(root).splitlines()[0]


def test_build_report_says_within_chance(root: Path) -> None:
    write_run(root, 0.0, {"hidden_dim": 256})
    path = root / "plots/predictions.tsv"
    header, *lines = path.read_text().splitlines()
    noise = np.random.default_rng(1).normal(0, 0.05, len(lines))
    rows = [line.rsplit("\t", 1) for line in lines]
    path.write_text(
        "\n".join([header, *(f"{a}\t{float(b) + x}" for (a, b), x in zip(rows, noise, strict=True))])
    )
    assert ": within chance (400 test targets)**" in build_report(root).splitlines()[0]


@pytest.mark.parametrize("other", [{"seed": 1}, {"n": 300}], ids=["ratings", "count"])
def test_build_report_compares_nothing_if_targets_differ(root: Path, other: dict) -> None:
    write_run(root, 0.1, {"hidden_dim": 256}, **other)
    report = build_report(root)
    first = report.splitlines()[0]
    assert first.startswith(
        "**Warning: test RMSE: not compared (the targets differ: 400 test targets at HEAD"
    )
    assert "95 % −" not in report
    assert "95 % +" not in report
    assert "beyond the interval" not in report
    assert "<summary>Metrics of other targets (" in report


def test_build_report_compares_nothing_without_a_file_at_the_base(root: Path) -> None:
    (root / "plots/predictions.tsv").unlink()
    write_run(root, 0.1, {"hidden_dim": 256})
    (root / "plots/predictions.tsv").unlink()
    assert "not compared (no `plots/predictions.tsv` now)" in build_report(root).splitlines()[0]


def test_build_report_calls_a_difference_without_a_cause_the_processors(root: Path) -> None:
    write_run(root, 0.1)
    report = build_report(root)
    assert ": processor (400 test targets)**" in report.splitlines()[0]
    assert "- `evaluate`: processor" in report
    assert "| `rater: rmse` | 0.5 | 0.6 | +0.1 | processor |" in report
    assert "No metric is beyond the interval of the base." in report


def test_build_report_names_code_that_differs(root: Path) -> None:
    write_run(root, 0.1, **{"reelgraph/core": "c1"})
    report = build_report(root)
    assert "- `evaluate`: `reelgraph/core`" in report
    assert "processor" not in report


def test_build_report_closes_what_it_cuts_and_keeps_the_head(root: Path) -> None:
    write_run(root, 0.1, {f"param_{i}": "x" * 100 for i in range(150)})
    write_json({f"metric_{i}_{'y' * 60}": i for i in range(1000)}, root / "metrics/links.json")
    report = build_report(root)
    assert len(report.encode()) <= MAX_BYTES
    assert report.count("<details>") == report.count("</details>") > 1
    assert "more are left out." in report
    assert all(f"`model.param_{i}`" in report for i in range(150))
    assert "Lock: `dvc.yaml`" in report
    assert report.startswith("**test RMSE")


def test_build_report_escapes_values(root: Path) -> None:
    titles = [title for title in TITLES if title != "\ud800"]
    write_run(root, 0.1, {re.sub(r"[\x00\x1b]", "", title): title for title in titles})
    report = build_report(root)
    rows = [line for line in report.splitlines() if line.startswith("|") and "model." in line]
    assert len(rows) >= len(titles)
    assert all(len(re.findall(r"(?<!\\)(?:\\\\)*\|", row)) == 4 for row in rows)
    assert report.count("<details>") == report.count("</details>")
    shown = re.sub(r"`[^`\n]*`", "", report)
    assert not re.search(r"@\w|<!--|<img|://|\x1b", shown)


def test_pr_report_prints_the_review_of_a_subfolder(root: Path) -> None:
    write_run(root, 0.1, {"hidden_dim": 256})
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "DVC_NO_ANALYTICS": "1"}
    command = [sys.executable, "-m", "tools.pr_report"]
    result = subprocess.run(
        [*command, "HEAD"], cwd=root, env=env, check=False, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("**test RMSE 0.5000 → 0.6000")
    assert "Lock: `dvc.yaml` is stale: `evaluate`." in result.stdout.splitlines()
    unknown = subprocess.run(
        [*command, "no-such"], cwd=root, env=env, check=False, capture_output=True, text=True
    )
    assert (unknown.returncode, unknown.stderr) == (1, "no-such is not a commit: name one with BASE=\n")


def test_lock_state_names_stale_stages() -> None:
    assert _lock_state({}) == "is up to date"
    assert _lock_state({"run": [], "map": []}) == "is stale: `map`, `run`"


def test_lock_state_of_missing_data_is_not_stale() -> None:
    deleted = [{"changed deps": {"data/movies.parquet": "deleted"}}, {"changed outs": {"data/kg": "deleted"}}]
    assert _lock_state({"map": deleted}) == "is up to date (data of 1 stages missing)"
    uncached = [{"changed outs": {"data/kg": "not in cache"}}]
    assert _lock_state({"build_kg": uncached}) == "is up to date (data of 1 stages missing)"
    code = [
        {"changed deps": {"data/movies.parquet": "deleted", "reelgraph/runtime/atomic_io.py": "modified"}}
    ]
    params = [{"changed deps": {"params.yaml": {"gp.epochs": "modified"}}}]
    both = _lock_state({"map": deleted, "report": code, "links": params, "filter": ["changed command"]})
    assert both == "is stale: `filter`, `links`, `report` (data of 1 stages missing)"


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

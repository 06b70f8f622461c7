"""The recipes of docs/extending.md, followed as they are written, in a copy of the project."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.project import ROOT, Project

TEXT = (ROOT / "docs/extending.md").read_text(encoding="utf-8")
RECIPES = {part.splitlines()[0]: part for part in TEXT.split("\n## ")[1:]}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(tmp_path_factory.mktemp("followed"))


def follow(project: Project, recipe: str) -> list[str]:
    """Write the recipe's files, make its changes; return its commands."""
    part = RECIPES[recipe]
    for name, code in re.findall(r'```python title="([^"]+)"\n(.*?)```', part, re.S):
        (project.folder / name).write_text(code, encoding="utf-8")
    for diff in re.findall(r"```diff\n(.*?)```", part, re.S):
        for name, hunks in re.findall(r"--- a/\S+\n\+\+\+ b/(\S+)\n(.*?)(?=--- a/|\Z)", diff, re.S):
            for hunk in re.split(r"^@@.*\n", hunks, flags=re.M)[1:]:
                change(project.folder / name, hunk)
    return [line for block in re.findall(r"```sh\n(.*?)```", part, re.S) for line in block.splitlines()]


def change(path: Path, hunk: str) -> None:
    lines = hunk.splitlines()
    old, new = ("".join(f"{line[1:]}\n" for line in lines if line[:1] in keep) for keep in (" -", " +"))
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{path.name} has other lines than the recipe: {old}"
    path.write_text(text.replace(old, new), encoding="utf-8")


def run(project: Project, command: str) -> str:
    """Run a command of a recipe: as it stands, but make's through what it calls."""
    words = {"python": [sys.executable]}
    first, *rest = command.replace('"', "").split(" -k ")
    parts = first.split()
    if parts == ["make", "deps"]:
        return ""
    call = [*words.get(parts[0], parts[:1]), *parts[1:]]
    done = subprocess.run([*call, *(["-p", "no:cacheprovider", "-k", *rest] if rest else [])], cwd=project.folder,
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    return done.stdout


def test_a_baseline(project: Project) -> None:
    deps, check, _ = follow(project, "A baseline")
    run(project, deps)
    assert "passed" in run(project, check)
    assert "shrunk_mean" in (project.folder / "params.yaml").read_text()


def test_a_rater_that_is_a_network(project: Project) -> None:
    check, _ = follow(project, "A rater that is a network")
    assert "passed" in run(project, check)


def test_a_rater_that_is_no_network(project: Project) -> None:
    check, _ = follow(project, "A rater that is no network")
    assert "passed" in run(project, check)


def test_an_entity_type(project: Project) -> None:
    follow(project, "An entity type")
    code = """
from reelgraph.graph.entities import entities_and_edges
from reelgraph.params.base import load
from reelgraph.params.data import IngestParams
from reelgraph.sources.demo.generate import generate_demo
params = load(IngestParams)
made = generate_demo(params.demo.model_copy(update={"users": 20, "movies": 50, "mean_ratings": 10}), 1)
entities, edges = entities_and_edges(made.catalog)
print(sorted(set(edges["type"].to_pylist())))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=project.folder, capture_output=True, text=True, check=False
    )
    assert "'composer'" in done.stdout, done.stderr

"""Every command of README and docs is executed: here, or by the test that is named for it."""

from __future__ import annotations

import csv
import json
import re
import shlex
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from ruamel.yaml import YAML

from reelgraph.params.base import load
from reelgraph.params.data import IngestParams
from reelgraph.params.evaluation import BaselineParams, EvaluateParams
from reelgraph.params.model import TrainRaterParams
from reelgraph.params.sequences import MakeSequencesParams
from tests.helpers.project import ROOT, Project

pytestmark = [pytest.mark.pipeline, pytest.mark.usefixtures("unchanged")]

DOCS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
HERE = (r"reelgraph (match-ratings|predict|recommend|similar|doctor)\b", r"dvc (metrics|params) diff", "dvc plots show",
        "dvc exp show", "dvc exp run", "make (repro|setup|lint|test)$", "dvc repro$")  # fmt: skip
ELSEWHERE = {
    r"dvc queue start": "tests/pipeline/test_pipeline.py::test_queued_experiments_run_the_changed_module_in_parallel",
    r"dvc (remote|push|pull|status)|git commit": "tests/pipeline/test_commands.py::test_a_remote_is_shared_as_the_docs_say",
    r"\w+=1 torchrun": "tests/pipeline/test_commands.py::test_processes_that_torchrun_starts",
    r"python -m pytest": "tests/docs/test_extending.py::test_an_architecture",
    r"make external-baselines": "tests/pipeline/test_commands.py::test_peers_are_fitted_and_shown",
}


def commands() -> list[tuple[str, str]]:
    """Return (file, command) of every shell block, without comments."""
    found = []
    for path in DOCS:
        for block in re.findall(r"^```sh\n(.*?)^```", path.read_text(encoding="utf-8"), re.S | re.M):
            lines = re.sub(r"\\\n\s*", " ", block).splitlines()
            found += [(path.name, re.sub(r"\s+#.*", "", line).strip()) for line in lines]
    return found


def matching(*patterns: str) -> list[str]:
    return list(dict.fromkeys(c for _, c in commands() if any(re.match(p, c) for p in patterns)))


def test_every_command_is_executed_by_a_test() -> None:
    assert len(commands()) > 30
    for file, command in commands():
        named = [test for pattern, test in ELSEWHERE.items() if re.match(pattern, command)]
        assert any(re.match(p, command) for p in HERE) or named, f"{file}: no test runs {command}"
    for test in ELSEWHERE.values():
        path, _, name = test.partition("::")
        assert f"def {name}(" in (ROOT / path).read_text(encoding="utf-8")


def test_commands_for_people(project: Project) -> None:
    movies = pq.read_table(project.folder / "data/movies.parquet").slice(0, 20).to_pylist()
    with (project.folder / "my.csv").open("w", newline="", encoding="utf-8") as file:
        rows = [
            ["2024-01-01", m["original_title"], m["release_year"], "u", 1 + at % 5]
            for at, m in enumerate(movies)
        ]
        csv.writer(file).writerows([["Date", "Name", "Year", "Letterboxd URI", "Rating"], *rows])
    title = f"{movies[3]['original_title']} ({movies[3]['release_year']})"
    run = matching(HERE[0])
    assert len(run) >= 5
    for command in run:
        said = project.run(
            *(title if word in ("Heat (1995)", "Spirited Away") else word for word in shlex.split(command))
        )
        assert said.strip()
    (project.folder / "my.csv").unlink()


def test_processes_that_torchrun_starts(project: Project) -> None:
    project.set_params(model__type="attention", train__epochs=1)
    variable, *words = shlex.split(matching(r"\w+=1 torchrun")[0])
    here = {"2": "1", "4": "2", "first-machine:29400": "localhost:0"}  # one machine with two processes
    project.run(*(here.get(word, word) for word in words), **dict([variable.split("=")]))
    states = [path.stem for path in (project.folder / ".checkpoints/train_rater").rglob("*.safetensors")]
    assert sorted(states) == ["train", "train_val"]
    project.run("dvc", "repro", "-s", "train_rater")
    config = json.loads((project.folder / "data/rater/config.json").read_text(encoding="utf-8"))
    assert config["model"]["type"] == "attention"
    assert not (project.folder / ".checkpoints/train_rater").exists()


def test_dvc_and_make(project: Project) -> None:
    (project.folder / ".venv").symlink_to(ROOT / ".venv")
    with (project.folder / ".git/info/exclude").open("a") as file:
        file.write("/.venv\n")
    for command in matching(*HERE[1:4], "dvc repro", "make setup", "make repro"):
        project.run(*shlex.split(command))
    for command in matching("make (lint|test)"):  # what they run is what runs this
        assert re.search("pytest|ruff", project.run("make", "-n", command.split()[1]))
    assert project.run("dvc", "status", "dvc.yaml").strip().endswith("up to date.")
    (project.folder / ".venv").unlink()


def test_peers_are_fitted_and_shown(project: Project) -> None:
    for package in ("surprise", "cmfrec", "myfm"):
        if find_spec(package) is None:
            pytest.skip(f"needs {package}: pip install -r requirements-external-baselines.lock")
    (project.folder / ".venv").symlink_to(ROOT / ".venv")
    said = project.run("make", "peers")
    found = json.loads((project.folder / "metrics/external_baselines.json").read_text(encoding="utf-8"))
    names = YAML(typ="safe").load(project.folder / "studies/external_baselines/params.yaml")[
        "external_baselines"
    ]
    assert {*names, "fm_recent"} <= set(found)
    assert all(name in said for name in names)
    (project.folder / ".venv").unlink()


def settings(command: str) -> dict[str, str]:
    words = shlex.split(command)
    return dict(after.split("=", 1) for word, after in pairwise(words) if word == "-S")


def test_experiments_set_params_that_there_are(project: Project) -> None:
    run = [c for c in matching("dvc exp run") if "pooled" not in c]
    assert len(run) >= 7
    before = YAML(typ="safe").load(project.folder / "params.yaml")
    for command in run:
        for choice in range(2):
            changed = json.loads(json.dumps(before))
            for key, value in settings(command).items():
                section, name = key.split(".")
                assert name in before[section], f"no {key} in params.yaml"
                changed[section][name] = YAML(typ="safe").load(
                    value.split(",")[min(choice, value.count(","))]
                )
            path = project.folder / "changed.yaml"
            YAML().dump(changed, path)
            for model in (
                IngestParams,
                MakeSequencesParams,
                TrainRaterParams,
                EvaluateParams,
                BaselineParams,
            ):
                load(model, path)
            path.unlink()


def test_a_grid_is_queued_as_the_docs_say(project: Project) -> None:
    (longest,) = [c for c in matching("dvc exp run --queue") if "gp.embedding_dim" in c]
    project.run(*shlex.split(longest))
    assert project.run("dvc", "queue", "status").count("Queued") == 6
    project.run("dvc", "queue", "remove", "--all")


def test_a_remote_is_shared_as_the_docs_say(project: Project, tmp_path: Path) -> None:
    text = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    ours, theirs = (block.splitlines() for block in re.findall(r"```sh\n(.*?)```", text, re.S)[:2])
    head = project.run("git", "rev-parse", "HEAD").strip()
    env = {
        f"GIT_{who}_{what}": "t@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    for command in ours:
        project.run(*shlex.split(command.replace("/path/to/shared/folder", str(tmp_path / "shared"))), **env)
    assert any((tmp_path / "shared").rglob("*"))
    clone = object.__new__(Project)
    clone.folder = tmp_path / "clone"
    project.run("git", "clone", "-q", str(project.folder), str(clone.folder))
    # Without the data: metrics and plots are in git.
    assert "rmse" in clone.run("dvc", "metrics", "show", "metrics/rater.json")
    assert (clone.folder / "plots/evaluate/baselines.png").stat().st_size > 0
    assert not (clone.folder / "data/model").exists()
    for command in theirs:
        clone.run(*shlex.split(command))
    assert (clone.folder / "data/model/model.safetensors").read_bytes() == (
        project.folder / "data/model/model.safetensors"
    ).read_bytes()
    assert clone.run("dvc", "status", "dvc.yaml").strip() == "Data and pipelines are up to date."
    assert "Data and pipelines are up to date" in clone.run("dvc", "repro", "dvc.yaml")
    project.run("git", "reset", "-q", "--hard", head)

"""Data, models and experiments go from one clone to another, as docs/operations.md says."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from tests.helpers.project import ROOT, Project

pytestmark = [pytest.mark.pipeline, pytest.mark.usefixtures("unchanged")]

UP_TO_DATE = "Data and pipelines are up to date."
MODEL = "data/model/model.safetensors"


def documented(*names: str) -> list[list[str]]:
    """Return the commands of docs/operations.md that start with one of the names."""
    text = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    lines = [line for block in re.findall(r"```sh\n(.*?)```", text, re.S) for line in block.splitlines()]
    commands = [shlex.split(line) for line in lines if line.startswith(names)]
    assert len(commands) >= len(names)
    return commands


@pytest.fixture(scope="module")
def shared(project: Project, tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Path]:
    """A clone with the data and an experiment ``few``, pushed to a DVC remote and to a git remote; the latter."""
    folder = tmp_path_factory.mktemp("shared")
    origin = folder / "origin.git"
    project.run("git", "clone", "-q", "--bare", str(project.folder), str(origin))
    first = project.clone(folder / "first", origin)
    first.run("dvc", "cache", "dir", "--local", str(project.folder / ".dvc/cache"))
    for command in documented("dvc remote", "git commit"):
        first.run(*(word.replace("/path/to/shared/folder", str(folder / "remote")) for word in command))
    first.run("git", "push", "-q")
    first.run("dvc", "checkout")
    first.run("dvc", "exp", "run", "--temp", "--name", "few", "-S", "evaluate.examples=3")
    assert first.run("git", "status", "--short") == ""
    for command in documented("dvc exp push"):
        first.run(*(word.replace("NAME", "few") for word in command))
    for command in documented("dvc push"):
        first.run(*command)
    return first, origin


def test_pull_gets_what_a_remote_has(shared: tuple[Project, Path], tmp_path: Path) -> None:
    first, origin = shared
    clone = first.clone(tmp_path / "clone", origin)
    # Without the data: metrics and plots are in git.
    assert "rmse" in clone.run("dvc", "metrics", "show", "metrics/rater.json")
    assert (clone.folder / "plots/evaluate/baselines.png").stat().st_size > 0
    assert not (clone.folder / MODEL).exists()
    for command in documented("dvc pull"):
        clone.run(*command)
    assert (clone.folder / MODEL).read_bytes() == (first.folder / MODEL).read_bytes()
    assert clone.executed_stages("dvc", "repro") == set()
    # Without a target, these ask for the outputs of all stages.
    assert clone.run("dvc", "status").strip() == UP_TO_DATE
    clone.run("dvc", "checkout")
    clone.run("dvc", "pull")
    clone.run("dvc", "commit")
    clone.run("dvc", "commit", "-f")
    assert clone.run("git", "status", "--short") == ""


def test_repro_pull_runs_nothing_that_a_remote_has(shared: tuple[Project, Path], tmp_path: Path) -> None:
    clone = shared[0].clone(tmp_path / "clone", shared[1])
    assert clone.executed_stages("dvc", "repro", "--pull") == set()
    assert (clone.folder / MODEL).exists()


def test_exp_pull_gets_an_experiment(shared: tuple[Project, Path], tmp_path: Path) -> None:
    clone = shared[0].clone(tmp_path / "clone", shared[1])
    clone.run("dvc", "pull")
    for command in documented("dvc exp pull", "dvc exp apply"):
        clone.run(*(word.replace("NAME", "few") for word in command))
    assert clone.executed_stages("dvc", "repro") == set()
    assert json.loads((clone.folder / "data/examples.json").read_text(encoding="utf-8")).keys()
    assert "evaluate.examples" in clone.run("dvc", "exp", "diff", "HEAD", "few")
    clone.run("dvc", "exp", "branch", "few", "with-few-examples")
    assert "examples: 3 " in clone.run("git", "show", "with-few-examples:params.yaml")


def test_a_shared_cache_has_the_results_of_other_clones(shared: tuple[Project, Path], tmp_path: Path) -> None:
    clone = shared[0].clone(tmp_path / "clone", shared[1])
    (cache,) = documented("dvc cache dir")
    path = clone.run("dvc", "cache", "dir").strip()
    assert path.startswith(str(clone.folder))
    shared_cache = shared[0].run("dvc", "cache", "dir").strip()
    clone.run(*(word.replace("/path/to/shared/cache", shared_cache) for word in cache))
    clone.run("dvc", "checkout")
    # No check_params: a stage that keeps its old output always runs.
    ran = clone.executed_stages("dvc", "exp", "run", "-S", "evaluate.examples=3")
    assert ran == {"check_params"}


def test_artifacts_get_downloads_the_rater(shared: tuple[Project, Path], tmp_path: Path) -> None:
    first = shared[0]
    (tag,) = documented("git tag")
    first.run(*tag)
    first.run("git", "tag", "-a", "movie-embeddings@v0.1.0", "-m", "The first embeddings")
    (get,) = documented("dvc artifacts get")
    here = Project.open(tmp_path)
    command = [word.replace("/path/to/reelgraph", str(first.folder)) for word in get]
    here.run(*command)
    assert (tmp_path / "model/model.safetensors").read_bytes() == (first.folder / MODEL).read_bytes()
    here.run(*command[:-1], "movie-embeddings")
    assert (tmp_path / "emb_kg_gnn_bert.parquet").stat().st_size > 0
    (program,) = re.findall(
        r"```python\n(import dvc.api.*?)```", (ROOT / "docs/operations.md").read_text(), re.S
    )
    here.run("python", "-c", program.replace("/path/to/reelgraph", str(first.folder)))
    assert (tmp_path / "rater/model.safetensors").read_bytes() == (first.folder / MODEL).read_bytes()

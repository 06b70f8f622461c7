"""What a stage imports and which params it reads is what dvc.yaml says of it."""

from __future__ import annotations

import ast
from importlib import import_module
from itertools import chain
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from reelgraph.params.base import SECTIONS, StageParams
from tools import sync_deps
from tools.import_graph import transitive_imports

STAGES = {
    str(body["cmd"]).split()[2]: body
    for file in sync_deps.dvc_files()
    for stage in YAML(typ="safe").load(file)["stages"].values()
    for body in [stage.get("do", stage)]
}
"""Script, as a module, and its stage, of the pipeline and of the studies."""


@pytest.mark.parametrize("file", sync_deps.dvc_files(), ids=str)
def test_every_imported_module_is_a_dep(file: Path) -> None:
    before, after = sync_deps.updated(file)
    assert before == after, "run `make deps`"


def test_imports_are_followed_through_the_package() -> None:
    found = {str(path) for path in transitive_imports(Path("stages/train_rater.py"))}
    assert {
        "reelgraph/raters/networks/attention.py",
        "reelgraph/core/rating_scale.py",
        "reelgraph/runtime/errors.py",
    } <= found
    assert "reelgraph/baselines/user_mean.py" not in found


def path_of(stage: str) -> Path:
    return Path(*stage.split(".")).with_suffix(".py")


def params_of(stage: str) -> type[StageParams]:
    """The params model that the stage's door passes to ``run``."""
    tree = ast.parse(path_of(stage).read_text(encoding="utf-8"))
    calls = [
        n
        for n in ast.walk(tree)
        if isinstance(n, ast.Call) and "run" in (getattr(n.func, "id", ""), getattr(n.func, "attr", ""))
    ]
    return getattr(import_module(stage), calls[-1].args[1].id)


def sections_of(params: list[str | dict[str, list[str]]]) -> set[str]:
    """The sections that a stage names, of params.yaml and of other files."""
    keys = [
        key for each in params for key in ([*chain(*each.values())] if isinstance(each, dict) else [each])
    ]
    return {key.split(".")[0] for key in keys}


def sharers(stage: str) -> list[dict[str, list[str]]]:
    """The stage that writes what this one shares with others, where it reads such a file."""
    read = {dep for dep in STAGES[stage]["deps"] if Path(dep).name == sync_deps.SHARED}
    return [body for body in STAGES.values() if read & set(body.get("outs", []))]


def test_what_runs_share_holds_the_modules_that_they_import() -> None:
    sharing = {stage: sharers(stage) for stage in STAGES if sharers(stage)}
    assert set(sharing) == {"studies.ablation.run"}
    for stage, (shared,) in sharing.items():
        assert {str(path) for path in transitive_imports(path_of(stage))} <= set(shared["deps"])
        assert stage in shared["cmd"].split()


@pytest.mark.parametrize("stage", STAGES)
def test_params_of_a_stage_are_those_it_reads(stage: str) -> None:
    bodies = [STAGES[stage], *sharers(stage)]
    named = set().union(*(sections_of(body.get("params", [])) for body in bodies))
    assert named == set(params_of(stage).model_fields)


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_is_a_door_of_at_most_60_lines_and_described(stage: str) -> None:
    assert STAGES[stage]["desc"]
    assert len(path_of(stage).read_text(encoding="utf-8").splitlines()) <= 60


def test_every_section_is_read_by_a_stage_and_every_key_has_a_comment() -> None:
    files = [Path("params.yaml"), *sorted(Path("studies").glob("*/params.yaml"))]
    read = {name for stage in STAGES for name in params_of(stage).model_fields}
    written = [section for file in files for section in YAML(typ="safe").load(file)]
    assert sorted(read) == sorted(SECTIONS) == sorted(written)
    for line in [line for file in files for line in file.read_text(encoding="utf-8").splitlines()]:
        assert not line.startswith("  ") or "#" in line, f"no comment: {line}"

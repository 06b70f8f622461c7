"""What a stage imports and which params it reads is what dvc.yaml says of it."""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from reelgraph.cli import deps
from reelgraph.params.base import SECTIONS, StageParams

STAGES = YAML(typ="safe").load(Path("dvc.yaml"))["stages"]


def test_every_imported_module_is_a_dep() -> None:
    before, after = deps.updated()
    assert before == after, "run `make deps`"


def test_imports_are_followed_through_the_package() -> None:
    found = {str(path) for path in deps.imported(Path("stages/train_rater.py"))}
    assert {"reelgraph/raters/attention.py", "reelgraph/stars.py", "reelgraph/errors.py"} <= found
    assert "reelgraph/baselines/user_mean.py" not in found


def params_of(stage: str) -> type[StageParams]:
    """The params model that the stage's door passes to ``run``."""
    module = import_module(f"stages.{stage}")
    tree = ast.parse(Path(f"stages/{stage}.py").read_text(encoding="utf-8"))
    calls = [
        n
        for n in ast.walk(tree)
        if isinstance(n, ast.Call) and "run" in (getattr(n.func, "id", ""), getattr(n.func, "attr", ""))
    ]
    return getattr(module, calls[-1].args[1].id)


@pytest.mark.parametrize("stage", STAGES)
def test_params_of_a_stage_are_those_it_reads(stage: str) -> None:
    body = STAGES[stage].get("do", STAGES[stage])
    sections = {str(param).split(".")[0] for param in body.get("params", [])}
    assert sections == set(params_of(stage).model_fields)


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_is_a_door_of_at_most_60_lines_and_described(stage: str) -> None:
    assert STAGES[stage].get("do", STAGES[stage])["desc"]
    assert len(Path(f"stages/{stage}.py").read_text(encoding="utf-8").splitlines()) <= 60


def test_every_section_is_read_by_a_stage_and_every_key_has_a_comment() -> None:
    read = {name for stage in STAGES for name in params_of(stage).model_fields}
    assert read == set(SECTIONS) == set(YAML(typ="safe").load(Path("params.yaml")))
    for line in Path("params.yaml").read_text(encoding="utf-8").splitlines():
        assert not line.startswith("  ") or "#" in line, f"no comment: {line}"

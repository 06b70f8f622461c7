"""The recipes of docs/extending.md, followed as they are written, in a copy of the project."""

from __future__ import annotations

import json
import re
import shlex
import sys
from itertools import chain
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


# In one process, which imports torch once.
RUN_ALL = """
import json, sys, pytest
for arguments in json.loads(sys.argv[1]):
    code = pytest.main([*arguments, "-p", "no:cacheprovider"])
    print(f"exit code {int(code)} of pytest {arguments}", flush=True)
"""

DEPENDENCIES = ["tests/pipeline/test_dependencies.py"]


@pytest.fixture(scope="module")
def commands_by_recipe(project: Project) -> dict[str, list[list[str]]]:
    """Follow all recipes; return the arguments of their pytest commands."""
    words = {recipe: map(shlex.split, follow(project, recipe)) for recipe in RECIPES}
    return {
        recipe: [command[3:] for command in commands if command[:3] == ["python", "-m", "pytest"]]
        for recipe, commands in words.items()
    }


@pytest.fixture(scope="module")
def output(project: Project, commands_by_recipe: dict[str, list[list[str]]]) -> str:
    """What the pytest commands of all recipes print."""
    commands = [*chain.from_iterable(commands_by_recipe.values()), DEPENDENCIES]
    return project.run(sys.executable, "-c", RUN_ALL, json.dumps(commands))


def check_passed(output: str, arguments: list[str]) -> None:
    before, found, _ = output.partition(f"exit code 0 of pytest {arguments}\n")
    assert found, output[-5000:]
    last_line = before.splitlines()[-1]
    assert re.match(r"\d+ passed", last_line), last_line


@pytest.mark.parametrize("recipe", RECIPES)
def test_recipe(commands_by_recipe: dict[str, list[list[str]]], output: str, recipe: str) -> None:
    assert commands_by_recipe[recipe]
    for arguments in commands_by_recipe[recipe]:
        check_passed(output, arguments)


def test_recipes_change_no_stage_dependency(output: str) -> None:
    """What the recipes add lies in folders that the stages list already."""
    check_passed(output, DEPENDENCIES)

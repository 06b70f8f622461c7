"""The recipes of docs/extending.md, followed as they are written, in a copy of the project."""

from __future__ import annotations

import re
import shlex
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
    """Run a pytest command of a recipe as it stands."""
    words = shlex.split(command)
    assert words[:3] == ["python", "-m", "pytest"]
    process = subprocess.run([sys.executable, *words[1:], "-p", "no:cacheprovider"], cwd=project.folder,
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert process.returncode == 0, process.stdout[-3000:] + process.stderr[-2000:]
    return process.stdout


@pytest.mark.parametrize("recipe", RECIPES)
def test_recipe(project: Project, recipe: str) -> None:
    commands = follow(project, recipe)
    checks = [command for command in commands if " pytest " in command]
    assert checks
    for command in checks:
        assert "passed" in run(project, command)


def test_recipes_change_no_stage_dependency(project: Project) -> None:
    """What the recipes add lies in folders that the stages list already."""
    process = subprocess.run([sys.executable, "-m", "pytest", "tests/pipeline/test_dependencies.py", "-p", "no:cacheprovider"],
                          cwd=project.folder, capture_output=True, text=True, check=False)  # fmt: skip
    assert process.returncode == 0, process.stdout[-3000:]

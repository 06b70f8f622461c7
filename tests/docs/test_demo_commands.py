"""The commands of README and docs/predict.md that read docs/demo-ratings.csv, on the default demo."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.app import test_cli

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "docs/predict.md")


def demo_commands() -> list[str]:
    """The ``reelgraph`` commands of the pages that need nothing but the demo."""
    commands = []
    for page in PAGES:
        for block in re.findall(r"^```sh\n(.*?)^```", (ROOT / page).read_text(encoding="utf-8"), re.S | re.M):
            lines = [re.sub(r"\s+#.*", "", line).strip() for line in block.splitlines()]
            commands += [
                line
                for line in lines
                if re.match(r"reelgraph (predict|recommend|similar|match-ratings)", line)
            ]
    return list(dict.fromkeys(commands))


@pytest.fixture(scope="module")
def demo_run() -> Path:
    """The project's folder, if the default demo was run in it."""
    if not (ROOT / "data/model/model.safetensors").exists():
        assert "REELGRAPH_CI" not in os.environ
        pytest.skip("needs the outputs of `make repro`")
    return ROOT


def run_in_a_process(command: str, folder: Path) -> str:
    program = str(Path(sys.executable).with_name("reelgraph"))
    words = [program, *shlex.split(command)[1:]]
    process = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    return process.stdout


@pytest.mark.parametrize("command", demo_commands())
def test_command_works_on_the_demo(command: str, demo_run: Path) -> None:
    assert test_cli.run(demo_run, *shlex.split(command)[1:]).strip()


def test_readme_shows_the_real_output(demo_run: Path) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    sessions = re.findall(r"^```console\n(.*?)^```", text, re.S | re.M)
    assert sessions
    for session in sessions:
        for part in session.split("$ ")[1:]:
            command, _, documented = part.partition("\n")
            if command.startswith("reelgraph"):
                without_figures = re.compile(r"[-+]?\d+\.\d+")
                output = run_in_a_process(command, demo_run)
                assert (
                    without_figures.sub("#", documented).split() == without_figures.sub("#", output).split()
                )

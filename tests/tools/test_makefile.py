"""The set-up of the Makefile: which build of torch it installs. ``make`` prints its commands without running them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CPU_INDEX = "--extra-index-url https://download.pytorch.org/whl/cpu"

PROGRAMS = ("make", "sh", "uname", "grep")


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder with what the set-up needs, but no ``nvidia-smi``."""
    for name in PROGRAMS:
        (tmp_path / name).symlink_to(shutil.which(name) or "")
    return tmp_path


def set_up_commands(programs: Path, **variables: str) -> str:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "MAKE"))}
    inherited |= {"PIP_CONFIG_FILE": os.devnull, "PYTHON": sys.executable, "PATH": str(programs)}
    return subprocess.run(
        ["make", "--dry-run", "--always-make", ".venv/.ready"],
        check=True, capture_output=True, text=True, env=inherited | variables,
    ).stdout  # fmt: skip


def write_program(path: Path, output: str) -> None:
    path.unlink(missing_ok=True)
    path.write_text(f"#!/bin/sh\necho {output}\n")
    path.chmod(0o755)


def test_set_up_takes_torch_for_the_cpu_on_linux_without_a_gpu(programs: Path) -> None:
    write_program(programs / "uname", "Linux")
    assert CPU_INDEX in set_up_commands(programs)
    write_program(programs / "nvidia-smi", "a GPU")
    assert CPU_INDEX not in set_up_commands(programs)


def test_set_up_leaves_the_source_of_packages_to_the_configuration_of_pip(programs: Path) -> None:
    write_program(programs / "uname", "Linux")
    config = programs / "pip.conf"
    config.write_text("[global]\nfind-links = /wheels\n")
    assert CPU_INDEX not in set_up_commands(programs, PIP_CONFIG_FILE=str(config))


@pytest.mark.parametrize("variable", ["PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"])
def test_set_up_leaves_the_source_of_packages_to_variables_of_pip(programs: Path, variable: str) -> None:
    write_program(programs / "uname", "Linux")
    assert CPU_INDEX not in set_up_commands(programs, **{variable: "/wheels"})


def test_set_up_takes_the_usual_torch_on_other_systems(programs: Path) -> None:
    write_program(programs / "uname", "Darwin")
    assert CPU_INDEX not in set_up_commands(programs)

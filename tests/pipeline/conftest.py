"""A project whose tiny demo runs once for all tests of the pipeline."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from tests.helpers.project import TINY, Project


def run_tiny_demo(folder: Path) -> Project:
    """Run the tiny demo in a copy of the project and commit its outputs."""
    folder.mkdir()
    project = Project(folder)
    project.update_params(TINY)
    (folder / "dvc.lock").unlink()
    project.run("python", "-m", "tests.helpers.run_stages")
    project.commit("the tiny demo")
    return project


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with the outputs of the tiny demo, committed. Tests that change it use ``unchanged``."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # the demo runs once for all processes
    with FileLock(folder / "tiny demo.lock"):
        if not (folder / "tiny demo").exists():
            run_tiny_demo(folder / "partial").folder.rename(folder / "tiny demo")
    # ASCII only: DVC's queue cannot write other paths into its configuration.
    return Project.open(folder / "tiny demo").copy(tmp_path_factory.mktemp("copy") / "a project with spaces")


def list_files(folder: Path) -> set[tuple[Path, int, int]]:
    """Return each file below a folder with its inode and the time of its last change."""
    stats = [(path, path.lstat()) for path in folder.rglob("*")]
    return {(path, stat.st_ino, stat.st_mtime_ns) for path, stat in stats}


@pytest.fixture
def unchanged(project: Project) -> Iterator[None]:
    """Undo what a test changes in the project; its data come back from DVC's cache."""
    data = project.folder / "data"
    before = list_files(data)
    yield
    # After a failed `dvc exp run`, git's index may hold the time of a file that differs: git then skips it.
    for name in ("params.yaml", "dvc.lock"):
        (project.folder / name).touch()
    project.run("git", "checkout", "-q", "--", ".")
    if list_files(data) != before:
        project.run("dvc", "checkout", "--force", "-q")
    project.run("git", "clean", "-fdxq", ".checkpoints", ".cache/results", ".cache/studies", ".timings")

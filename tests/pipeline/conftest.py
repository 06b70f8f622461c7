"""A project whose tiny demo runs once for all tests of the pipeline."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.helpers.project import TINY, Project


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project with the outputs of the tiny demo, committed. Tests that change it use ``unchanged``."""
    # ASCII only: DVC's queue cannot write other paths into its configuration.
    copy = Project(tmp_path_factory.mktemp("a project with spaces"))
    copy.update_params(TINY)
    # DVC parses and writes the whole lock after each stage.
    (copy.folder / "dvc.lock").unlink()
    copy.run("dvc", "repro")
    copy.commit("the tiny demo")
    return copy


@pytest.fixture
def unchanged(project: Project) -> Iterator[None]:
    yield
    # After a failed `dvc exp run`, git's index may hold the time of a file that differs: git then skips it.
    for name in ("params.yaml", "dvc.lock"):
        (project.folder / name).touch()
    project.run("git", "checkout", "-q", "--", ".")
    project.run("dvc", "checkout", "--force", "-q", "dvc.yaml")
    project.run("git", "clean", "-fdxq", ".checkpoints", ".cache/results", ".timings", "studies")

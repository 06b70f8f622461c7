"""The tiny demo, run once for all tests of the pipeline."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.helpers.project import TINY, Project


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project whose tiny demo has been run and committed; tests leave it as they found it."""
    # Not beyond ASCII: DVC's queue cannot write such a path into its configuration.
    made = Project(tmp_path_factory.mktemp("a project with spaces"))
    made.update_params(TINY)
    # After each stage DVC parses and writes the whole lock: with the demo's it takes 12 s of CPU time more.
    (made.folder / "dvc.lock").unlink()
    made.run("dvc", "repro")
    made.commit("the tiny demo")
    return made


@pytest.fixture
def unchanged(project: Project) -> Iterator[None]:
    yield
    project.run("git", "checkout", "-q", "--", ".")
    project.run("dvc", "checkout", "--force", "-q", "dvc.yaml")
    project.run("git", "clean", "-fdxq", ".checkpoints", ".timings")

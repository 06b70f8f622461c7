"""A finished run, to be damaged."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bad_input.artifact_cases import finished_run


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files of a finished run."""
    folder = tmp_path_factory.mktemp("finished")
    finished_run(folder)
    return folder

"""Where a stage may not write, it says so, and what was there is still there."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from tests.bad_input.doors import Case, contents, through
from tests.bad_input.limits import files_of_at_most, read_only
from tests.bad_input.of_artifacts import ORDER

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for limits")


@pytest.fixture
def folder(finished: Path, tmp_path: Path) -> Path:
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.mark.parametrize("door", ORDER)
def test_a_full_disk(door: str, folder: Path) -> None:
    before = contents(folder)
    with files_of_at_most(200):
        found = through(Case(door, lambda folder: None), folder)
    assert found["exit"] == 1, found
    assert "expected room on the disk, got" in found["said"]
    assert "Free space, or raise the limit" in found["said"]
    assert "File too large" in found["said"]
    assert contents(folder) == before
    assert not list(folder.rglob("*.partial"))


@pytest.mark.parametrize("door", ORDER)
def test_folders_that_may_not_be_written(door: str, folder: Path) -> None:
    before = contents(folder)
    with read_only(folder / "data"):
        found = through(Case(door, lambda folder: None), folder)
    assert found["exit"] == 1, found
    assert "got Permission denied. Change its rights, or the path." in found["said"]
    assert contents(folder) == before


def test_under_dvc_the_way_back_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVC_STAGE", "filter")
    with files_of_at_most(200):
        found = through(Case("filter", lambda folder: None), folder)
    assert found["said"].endswith("come back with `git checkout params.yaml && make restore`.")

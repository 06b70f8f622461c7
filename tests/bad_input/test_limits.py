"""Where a stage may not write, it says so, and what was there is still there."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from tests.bad_input.artifact_cases import ORDER
from tests.helpers.os_limits import limit_file_size, read_only
from tests.helpers.stage_cases import Case, file_digests, run_case

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for limits")


@pytest.fixture
def folder(finished: Path, tmp_path: Path) -> Path:
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.mark.parametrize("stage", ORDER)
def test_a_full_disk(stage: str, folder: Path) -> None:
    before = file_digests(folder)
    with limit_file_size(200):
        result = run_case(Case(stage, lambda folder: None), folder)
    assert result["exit"] == 1, result
    assert "expected free space on the disk, got" in result["output"]
    assert "Free some space, or raise the limit" in result["output"]
    assert "File too large" in result["output"]
    assert file_digests(folder) == before
    assert not list(folder.rglob("*.partial"))


@pytest.mark.parametrize("stage", ORDER)
def test_folders_that_may_not_be_written(stage: str, folder: Path) -> None:
    before = file_digests(folder)
    with read_only(folder / "data"):
        result = run_case(Case(stage, lambda folder: None), folder)
    assert result["exit"] == 1, result
    assert "got Permission denied. Change its permissions, or use another path." in result["output"]
    assert file_digests(folder) == before


def test_run_stage_tells_how_to_get_outputs_back(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVC_STAGE", "filter")
    with limit_file_size(200):
        result = run_case(Case("filter", lambda folder: None), folder)
    assert result["output"].endswith("come back from its cache: undo the change and run `dvc repro`.")

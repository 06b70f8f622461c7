from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """An empty working directory, as a stage sees it."""
    place = tmp_path / "project"
    place.mkdir()
    monkeypatch.chdir(place)
    return place

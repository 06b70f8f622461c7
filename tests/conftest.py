"""Shapes in type annotations are checked while the tests run."""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import settings
from jaxtyping import install_import_hook

import reelgraph.core.torch_setup  # noqa: F401  before torch: it says how torch's threads wait

install_import_hook("reelgraph", "beartype.beartype")

NEEDED = ("pyspark", "Java", "chromium", "peers", "ONNX", "docs")
# A busy machine is no failure.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where two processes share the tests, one takes those of the pipeline, first; files are kept whole."""
    here = Path(__file__).parent
    files = {item: item.path.relative_to(here) for item in items}
    for item, file in files.items():
        group = "pipeline" if file.parts[0] == "pipeline" else str(file)
        item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: files[item].parts[0] != "pipeline")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """In CI, whose script installs Java, Chromium and their packages, a test that skips for want of them fails."""
    skipped = [str(report.longrepr) for report in terminalreporter.stats.get("skipped", [])]
    wanting = [why for why in skipped if any(need in why for need in NEEDED)]
    if os.environ.get("REELGRAPH_CI") and wanting:
        pytest.exit(f"skipped in CI: {wanting[0]}", returncode=1)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder with real MovieLens and TMDB files; skips where there is none."""
    place = os.environ.get("REELGRAPH_REAL_DATA")
    if not place:
        pytest.skip("REELGRAPH_REAL_DATA names no folder with MovieLens and TMDB files")
    return Path(place)


@pytest.fixture
def duckdb_engine():
    """A DuckDB engine."""
    from reelgraph.core.table_engine import connect
    from reelgraph.params.data import Engine

    return connect(Engine(backend="duckdb", url="local[2]", memory_mb=1000))


@pytest.fixture
def spark() -> str:
    """The backend's name, where it can run."""
    if importlib.util.find_spec("pyspark") is None or shutil.which("java") is None:
        pytest.skip("Spark needs the package pyspark and Java 17")
    return "spark"

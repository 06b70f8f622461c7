"""Checks of array shapes, test tiers and shared fixtures.

Markers: ``pipeline`` runs DVC on a copy of the project, ``slow`` trains or reads more than a unit test needs. The fast
tier, ``make test-fast``, runs neither.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings
from jaxtyping import install_import_hook

from reelgraph.core.instruction_set import pin_instruction_set

pin_instruction_set()  # the kernels of the stages, before NumPy and torch choose theirs

import reelgraph.core.torch_setup  # noqa: E402, F401  before torch: it sets how torch's threads wait

install_import_hook("reelgraph", "beartype.beartype")

REQUIRED_IN_CI = "pyspark", "Java", "chromium", "external-baselines", "ONNX", "docs", "openvino"
"""Words in the reasons of skips that fail in CI, which installs everything."""

SLOW_PATHS = (
    "app/test_cli.py",
    "app/test_exports.py",
    "app/test_hostile_input.py",
    "app/test_onnx_export.py",
    "app/test_page.py",
    "app/test_page_user_data.py",
    "app/test_posters.py",
    "app/test_server.py",
    "bad_input",
    "bench/test_comparison.py",
    "bench/test_device.py",
    "bench/test_diversity.py",
    "bench/test_movie_vectors.py",
    "bench/test_new_users.py",
    "bench/test_random_bundle.py",
    "contracts/test_edges.py",
    "contracts/test_external_baselines.py",
    "contracts/test_raters.py",
    "docs/test_demo_commands.py",
    "docs/test_extending.py",
    "docs/test_site.py",
    "embeddings/test_pacmap.py",
    "engine/test_table_engine.py",
    "evaluation/test_bayes_bound.py",
    "fuzz/test_targets.py",
    "gnn",
    "raters/gp/test_model.py",
    "raters/gp/test_training.py",
    "raters/gp/test_unrated_movies.py",
    "raters/test_distributed.py",
    "raters/test_predefined_split.py",
    "raters/test_sliding_window.py",
    "raters/test_trainer.py",
    "report/test_browser.py",
    "report/test_page.py",
    "sources/test_conversions.py",
    "sources/test_movielens.py",
    "sources/test_source.py",
    "sources/test_tables.py",
    "sources/test_tmdb.py",
    "studies/test_ablation.py",
    "test_checkpointing.py",
    "test_memory.py",
    "test_torch_setup.py",
    "text/test_cache.py",
    "text/test_encoder.py",
    "text/test_int8.py",
    "text/test_sentence_model.py",
)
"""What trains, starts processes, runs hundreds of cases or imports torch-geometric for seconds; relative to tests/."""

settings.register_profile("no_deadline", deadline=None)  # a busy machine is no failure
settings.load_profile("no_deadline")


def is_slow(path: Path) -> bool:
    """Whether a path is, or lies in, one of the slow modules and folders."""
    return any(path.is_relative_to(Path(__file__).parent / name) for name in SLOW_PATHS)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Import no slow module for the fast tier."""
    fast_tier = "not slow" in config.getoption("markexpr")
    return True if fast_tier and is_slow(collection_path) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark slow modules and what uses Spark; start the longest module first and the fast ones last."""
    for item in items:
        if is_slow(item.path) or "spark" in item.nodeid:
            item.add_marker(pytest.mark.slow)
    longest = Path(__file__).parent / "pipeline/test_pipeline.py"
    fast = {item.path for item in items} - {
        item.path for item in items if item.get_closest_marker("slow") or item.get_closest_marker("pipeline")
    }
    items.sort(key=lambda item: (item.path != longest, item.path in fast))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Fail in CI if a test was skipped because a package or program is missing."""
    reasons = [str(report.longrepr) for report in terminalreporter.stats.get("skipped", [])]
    missing = [reason for reason in reasons if any(word in reason for word in REQUIRED_IN_CI)]
    if os.environ.get("REELGRAPH_CI") and missing:
        pytest.exit(f"skipped in CI: {missing[0]}", returncode=1)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder with real MovieLens and TMDB files; skips without it."""
    folder = os.environ.get("REELGRAPH_REAL_DATA")
    if not folder:
        pytest.skip("REELGRAPH_REAL_DATA names no folder with MovieLens and TMDB files")
    return Path(folder)


@pytest.fixture
def duckdb_engine():
    """A DuckDB engine."""
    from reelgraph.core.table_engine import connect
    from reelgraph.params.data import Engine

    return connect(Engine(backend="duckdb", url="local[2]", memory_mb=1000))

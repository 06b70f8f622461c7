"""A stage waits for no library that it doesn't use: importing torch takes longer than eight baselines' work."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tools.import_graph import transitive_imports

SLOW = "torch", "torch_geometric", "transformers", "matplotlib"
"""Libraries that take from half a second to five to import."""

STAGES = "ingest", "filter", "build_kg", "make_sequences", "baseline", "counts", "report"
"""Those that need none of them."""

BASELINES = sorted(path.stem for path in Path("reelgraph/baselines").glob("[a-z]*.py"))
"""What stage baseline loads by name, and what that imports."""

IMPORT = """
import sys
from importlib import import_module
slow, modules = (words.split() for words in sys.argv[1:])
for module in modules:
    import_module(module)
    if found := [name for name in slow if name in sys.modules]:
        sys.exit(f"{module} imports {', '.join(found)}")
"""


def complaint(*modules: str) -> str:
    """What a fresh Python that imports the modules says of the slow libraries that come with them."""
    command = [sys.executable, "-c", IMPORT, " ".join(SLOW), " ".join(modules)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stderr.strip()


def test_stages_without_slow_libraries_import_none() -> None:
    modules = (*(f"stages.{name}" for name in STAGES), *(f"reelgraph.baselines.{name}" for name in BASELINES))
    assert not complaint(*modules)


def test_a_slow_library_is_noticed() -> None:
    assert (
        complaint("reelgraph.core.rating_scale", "reelgraph.runtime.plotting")
        == "reelgraph.runtime.plotting imports matplotlib"
    )


def test_only_stages_that_compute_tables_import_the_table_engine() -> None:
    scripts = Path("stages").glob("[a-z]*.py")
    found = {
        script.stem
        for script in scripts
        if Path("reelgraph/core/table_engine.py") in transitive_imports(script)
    }
    assert found == {"ingest", "filter", "make_sequences"}

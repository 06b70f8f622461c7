"""The project's files that a module imports, directly or transitively."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import grimp


def module_path(module: str) -> Path:
    """Return the file of a module or package, whether or not it exists."""
    path = Path(*module.split("."))
    package = path / "__init__.py"
    return package if package.is_file() else path.with_suffix(".py")


def transitive_imports(script: Path) -> set[Path]:
    """Return the project's files that importing a file reads, itself included."""
    module = ".".join(script.with_suffix("").parts).removesuffix(".__init__")
    return {script, *map(module_path, _import_graph().find_upstream_modules(module))}


@cache
def _import_graph() -> grimp.ImportGraph:
    return grimp.build_graph("reelgraph", "stages", "studies", cache_dir=None)

"""Which of the project's files a module imports."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGES = ("reelgraph", "stages", "studies")


def module_path(module: str) -> Path:
    """Return the file of a module's name, whether it is there or not."""
    return Path(*module.split(".")).with_suffix(".py")


def transitive_imports(module: Path, seen: set[Path] | None = None) -> set[Path]:
    """Return the project's files that importing ``module`` reads, itself included."""
    seen = set() if seen is None else seen
    if module not in seen:
        seen.add(module)
        for path in _direct(module):
            transitive_imports(path, seen)
    return seen


def _direct(module: Path) -> Iterator[Path]:
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in names:
            path = module_path(name)
            if name.split(".")[0] in PACKAGES and path.is_file():
                yield path

"""The project's files that a module imports, directly or transitively."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

PACKAGES = ("reelgraph", "stages", "studies")


def module_path(module: str) -> Path:
    """Return the file of a module, whether or not it exists."""
    return Path(*module.split(".")).with_suffix(".py")


def transitive_imports(module: Path) -> set[Path]:
    """Return the project's files that importing a file reads, itself included."""
    visited = {module}
    pending = [module]
    while pending:
        for path in _direct_imports(pending.pop()):
            if path not in visited:
                visited.add(path)
                pending.append(path)
    return visited


@cache
def _direct_imports(module: Path) -> list[Path]:
    imports: list[Path] = []
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in names:
            module_file = module_path(name)
            for path in (module_file, module_file.with_suffix("") / "__init__.py"):
                if name.split(".")[0] in PACKAGES and path.is_file():
                    imports.append(path)
    return imports

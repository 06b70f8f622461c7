"""The names of all raters, found without importing one: importing torch takes seconds."""

from __future__ import annotations

import pkgutil
import re
from importlib.util import find_spec
from pathlib import Path

import reelgraph.raters
from reelgraph.runtime.errors import ParamError

MODULES = ("reelgraph.raters.networks.{}", "reelgraph.raters.{}", "reelgraph.raters.{}.fitting")
"""Where the module of a rater may be."""

DECLARATION = re.compile(r"^RATER\b", re.MULTILINE)


def rater_module(name: str) -> str:
    """Return the module that declares the rater of this name.

    Raises:
        ParamError: there is no such rater.
    """
    module = _find_module(name) if name.isidentifier() else None
    if module is None:
        raise ParamError("model.type", f"one of {', '.join(rater_names())}", name,
                         "Correct it, or add such a rater: see docs/extending.md.")  # fmt: skip
    return module


def rater_names() -> list[str]:
    """Return the names of all raters, sorted."""
    folders = [f"{path}{suffix}" for path in reelgraph.raters.__path__ for suffix in ("", "/networks")]
    names = {module.name for module in pkgutil.iter_modules(folders)}
    return sorted(name for name in names if _find_module(name) is not None)


def _find_module(name: str) -> str | None:
    for pattern in MODULES:
        module = pattern.format(name)
        source = _source_file(module)
        if source and DECLARATION.search(source.read_text(encoding="utf-8")):
            return module
    return None


def _source_file(module: str) -> Path | None:
    try:
        spec = find_spec(module)
    except ModuleNotFoundError:  # its parent is not a package
        return None
    return Path(spec.origin) if spec and spec.origin else None

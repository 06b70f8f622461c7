"""params.yaml as tables for the docs, from the docstrings of the models that check it."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

from pydantic import BaseModel
from ruamel.yaml import YAML

from reelgraph import baselines, params
from reelgraph.params.base import Section, StageParams


def param_tables(file: Path) -> str:
    """Return a Markdown table for each section of the params file."""
    values = YAML(typ="safe").load(file)
    models = sections()
    parts = []
    for name, content in values.items():
        if name == "baselines":
            parts += [f"## {name}", *(_baseline(key, given) for key, given in content.items())]
        elif isinstance(content, dict):
            parts += [f"## {name}", _table(models[name], content)]
        else:
            parts += [
                f"## {name}",
                f"Default `{content}`. The root seed: every stream of random numbers derives from it.",
            ]
    return "\n\n".join(parts) + "\n"


def sections() -> dict[str, type[Section]]:
    """Return the model of each section, as the stages name it."""
    found: dict[str, type[Section]] = {}
    for module in iter_modules(params.__path__):
        for value in vars(import_module(f"{params.__name__}.{module.name}")).values():
            if isinstance(value, type) and issubclass(value, StageParams):
                found |= dict(_sections_of(value))
    return found


def _sections_of(model: type[StageParams]) -> Iterator[tuple[str, type[Section]]]:
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            yield name, field.annotation


def _baseline(name: str, given: dict[str, Any]) -> str:
    module = import_module(f"{baselines.__name__}.{name}")
    first = (module.__doc__ or "").splitlines()[0].removeprefix("Baseline: ")
    told = f"### {name}\n\n{first[:1].upper()}{first[1:]}"
    return f"{told}\n\n{_table(module.Params, given)}" if given else told


def _table(model: type[BaseModel], content: dict[str, Any]) -> str:
    rows = [f"| `{key}` | `{_shown(value)}` | {_told(model, key)} |" for key, value in content.items()]
    return "\n".join(["| key | default | is |", "| --- | --- | --- |", *rows])


def _told(model: type[BaseModel], key: str) -> str:
    return " ".join((model.model_fields[key].description or "").split()).replace("|", "\\|")


def _shown(value: object) -> str:
    return '""' if value == "" else str(value).lower() if isinstance(value, bool) else str(value)

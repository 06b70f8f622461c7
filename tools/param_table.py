"""Tables of params.yaml for the docs, from the docstrings of its models."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

from pydantic import BaseModel
from ruamel.yaml import YAML

from reelgraph import baselines, params, rankers
from reelgraph.params.base import Section, StageParams

MODULES = {"baselines": baselines, "rankers": rankers}
"""Sections whose entries are the params of modules, and the package of these."""


def param_tables(file: Path) -> str:
    """Return a Markdown table for each section of the params file."""
    values = YAML(typ="safe").load(file)
    models = section_models()
    parts = []
    for name, content in values.items():
        if name == "raters":
            parts += [f"## {name}", "Params of further raters, by name: see [Extending](extending.md)."]
        elif name in MODULES:
            parts += [f"## {name}", *(_module_table(name, key, value) for key, value in content.items())]
        elif isinstance(content, dict):
            parts += [f"## {name}", _table(models[name], content)]
        else:
            parts += [
                f"## {name}",
                f"Default `{content}`. The root seed, from which every random stream derives.",
            ]
    return "\n\n".join(parts) + "\n"


def section_models() -> dict[str, type[Section]]:
    """Return the pydantic model of each section of the params file."""
    models: dict[str, type[Section]] = {}
    for module in iter_modules(params.__path__):
        for value in vars(import_module(f"{params.__name__}.{module.name}")).values():
            if isinstance(value, type) and issubclass(value, StageParams):
                models |= dict(_sections_of(value))
    return models


def _sections_of(model: type[StageParams]) -> Iterator[tuple[str, type[Section]]]:
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            yield name, field.annotation


def _module_table(section: str, name: str, values: dict[str, Any]) -> str:
    module = import_module(f"{MODULES[section].__name__}.{name}")
    summary = (module.__doc__ or "").splitlines()[0].removeprefix("Baseline: ").removeprefix("Ranker: ")
    heading = f"### {name}\n\n{summary[:1].upper()}{summary[1:]}"
    return f"{heading}\n\n{_table(module.Params, values)}" if values else heading


def _table(model: type[BaseModel], content: dict[str, Any]) -> str:
    rows = [
        f"| `{key}` | `{_format_value(value)}` | {_description(model, key)} |"
        for key, value in content.items()
    ]
    return "\n".join(["| key | default | description |", "| --- | --- | --- |", *rows])


def _description(model: type[BaseModel], key: str) -> str:
    return " ".join((model.model_fields[key].description or "").split()).replace("|", "\\|")


def _format_value(value: object) -> str:
    if value == "":
        return '""'
    return str(value).lower() if isinstance(value, bool) else str(value)

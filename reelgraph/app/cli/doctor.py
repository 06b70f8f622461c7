"""What ``reelgraph doctor`` looks at: packages, data, models, staleness, and what to do next."""

from __future__ import annotations

import importlib.util
import json
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from reelgraph.app.cli.context import BUNDLE, PIPELINE
from reelgraph.runtime.errors import ReelgraphError

State = Literal["good", "missing", "stale", "broken"]

EXTRAS = {
    "pipeline": ("dvc", "dvclive"),
    "docs": ("mkdocs", "nbclient"),
    "onnx": ("onnx", "onnxscript"),
    "spark": ("pyspark",),
}
"""Extra → its packages, of which each is imported under this name."""


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    name: str
    state: State
    detail: str
    remedy: str = ""
    """What to do; blank if nothing."""


def run_checks(bundle: Path | None) -> list[Check]:
    """Look at everything; nothing is changed."""
    return [*_packages(), *_pipeline(), *_bundle(bundle)]


def format_checks(checks: list[Check]) -> str:
    """Return the checks as text, and at the end what to do next."""
    lines = [f"{each.state:<8}{each.name:<12}{each.detail}" for each in checks]
    todo = [each.remedy for each in checks if each.remedy]
    first = [f"Next: {todo[0]}", *(f"      {each}" for each in todo[1:])] if todo else ["Nothing to do."]
    return "\n".join([*lines, "", *first])


def _packages() -> Iterator[Check]:
    yield Check("python", "good", f"{platform.python_version()} at {sys.executable}")
    try:
        found = ", ".join(f"{name} {version(name)}" for name in ("reelgraph", "torch", "numpy", "pyarrow"))
        yield Check("packages", "good", found)
    except PackageNotFoundError as error:
        yield Check("packages", "broken", f"no {error.name}", "Install reelgraph anew: `make setup`.")
    for extra, names in EXTRAS.items():
        lacking = [name for name in names if importlib.util.find_spec(name) is None]
        state: State = "missing" if lacking else "good"
        yield Check(extra, state, f"no {', '.join(lacking)}" if lacking else ", ".join(names))


def _pipeline() -> Iterator[Check]:
    if not Path("dvc.yaml").is_file():
        yield Check("project", "missing", "no dvc.yaml here: not the project's folder")
        return
    model = PIPELINE / "model" / "model.safetensors"
    if not model.is_file():
        yield Check("data", "missing", f"no {model}", "Run the pipeline: `make repro`.")
        return
    yield Check("data", "good", f"{model}, {model.stat().st_size:,} bytes")
    yield _staleness()


def _staleness() -> Check:
    if shutil.which("dvc") is None:
        return Check(
            "stages", "missing", "no dvc to ask", "Activate the environment: `. .venv/bin/activate`."
        )
    asked = subprocess.run(
        ["dvc", "status", "--json", "dvc.yaml"], capture_output=True, text=True, check=False
    )
    if asked.returncode:
        return Check("stages", "broken", (asked.stderr.strip().splitlines() or ["dvc failed"])[-1],
                     "See `dvc status`.")  # fmt: skip
    stale = sorted(json.loads(asked.stdout or "{}"))
    if stale:
        return Check("stages", "stale", ", ".join(stale), "Run what is stale: `dvc repro`.")
    return Check("stages", "good", "up to date with code, params and data")


def _bundle(folder: Path | None) -> Iterator[Check]:
    place = folder or BUNDLE
    if not place.is_dir():
        if (PIPELINE / "model").is_dir() and folder is None:
            yield Check("bundle", "missing", f"no {place}/; the commands read {PIPELINE}/")
        else:
            yield Check("bundle", "missing", f"no {place}/", f"Write one: `reelgraph export {place}`.")
        return
    from reelgraph.app.bundle.format import read_bundle

    try:
        config = read_bundle(place).config
    except ReelgraphError as error:
        yield Check("bundle", "broken", str(error), f"Write it again: `reelgraph export {place}`.")
        return
    made, model = (place / "model.safetensors"), PIPELINE / "model" / "model.safetensors"
    kind = config.rater.model.type
    told = f"{place}/: {config.movies:,} movies, rater {kind}, by reelgraph {config.reelgraph}"
    if model.is_file() and model.read_bytes() != made.read_bytes():
        yield Check("bundle", "stale", f"{told}; {PIPELINE}/ has another model",
                    f"Write it again: `reelgraph export {place}`.")  # fmt: skip
    else:
        yield Check("bundle", "good", told)

"""The checks of ``reelgraph doctor``: packages, data, model, stale stages, bundle."""

from __future__ import annotations

import filecmp
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

from reelgraph.app.cli.context import BUNDLE_FOLDER, PIPELINE_FOLDER
from reelgraph.runtime.errors import ReelgraphError

CheckState = Literal["ok", "missing", "stale", "broken"]

WEIGHTS = PIPELINE_FOLDER / "model" / "model.safetensors"
NO_PROJECT_REMEDY = (
    "Change to the project's folder, or give that of a bundle: `reelgraph doctor --bundle FOLDER`."
)
EXTRAS = {
    "pipeline": ("dvc",),
    "docs": ("mkdocs", "nbclient"),
    "onnx": ("onnx", "onnxscript"),
    "spark": ("pyspark",),
}
"""Modules to import for each extra."""


@dataclass(frozen=True)
class Check:
    """The result of one check."""

    name: str
    state: CheckState
    detail: str
    remedy: str = ""
    """What to do; blank if nothing."""


def run_checks(bundle: Path | None) -> list[Check]:
    """Run all checks, which only read."""
    return [*_check_packages(), *_check_pipeline(), _check_bundle(bundle)]


def format_checks(checks: list[Check]) -> str:
    """Return the checks as text, followed by the remedies."""
    lines = [f"{check.state:<8}{check.name:<12}{check.detail}" for check in checks]
    remedies = [check.remedy for check in checks if check.remedy]
    if not remedies:
        return "\n".join([*lines, "", "Nothing to do."])
    return "\n".join([*lines, "", f"Next: {remedies[0]}", *(f"      {remedy}" for remedy in remedies[1:])])


def _check_packages() -> Iterator[Check]:
    yield Check("python", "ok", f"{platform.python_version()} at {sys.executable}")
    try:
        names = ("reelgraph", "torch", "numpy", "pyarrow")
        yield Check("packages", "ok", ", ".join(f"{name} {version(name)}" for name in names))
    except PackageNotFoundError as error:
        yield Check(
            "packages", "broken", f"{error.name} is not installed", "Install reelgraph: `make setup`."
        )
    for extra, modules in EXTRAS.items():
        missing = [name for name in modules if importlib.util.find_spec(name) is None]
        if missing:
            yield Check(extra, "missing", f"not installed: {', '.join(missing)}")
        else:
            yield Check(extra, "ok", ", ".join(modules))


def _check_pipeline() -> Iterator[Check]:
    if not Path("dvc.yaml").is_file():
        yield Check("project", "missing", "no dvc.yaml: this is not the project's folder")
        return
    if not WEIGHTS.is_file():
        yield Check("data", "missing", f"no {WEIGHTS}", "Run the pipeline: `make repro`.")
        return
    yield Check("data", "ok", f"{WEIGHTS}, {WEIGHTS.stat().st_size:,} bytes")
    yield _check_stages()


def _check_stages() -> Check:
    if shutil.which("dvc") is None:
        remedy = "Activate the environment: `. .venv/bin/activate`."
        return Check("stages", "missing", "dvc is not on the PATH", remedy)
    status = subprocess.run(
        ["dvc", "status", "--json", "dvc.yaml"], capture_output=True, text=True, check=False
    )
    if status.returncode:
        message = (status.stderr.strip().splitlines() or ["dvc failed"])[-1]
        return Check("stages", "broken", message, "See `dvc status`.")
    stale = sorted(json.loads(status.stdout or "{}"))
    if stale:
        return Check("stages", "stale", ", ".join(stale), "Run the stale stages: `dvc repro`.")
    return Check("stages", "ok", "up to date with code, params and data")


def _check_bundle(folder: Path | None) -> Check:
    path = folder or BUNDLE_FOLDER
    is_project = Path("dvc.yaml").is_file()
    if not path.is_dir():
        if (PIPELINE_FOLDER / "model").is_dir() and folder is None:
            return Check("bundle", "missing", f"no {path}/; the commands read {PIPELINE_FOLDER}/")
        remedy = f"Write a bundle: `reelgraph export {path}`." if is_project else NO_PROJECT_REMEDY
        return Check("bundle", "missing", f"no {path}/", remedy)
    from reelgraph.app.bundle.format import read_bundle

    remedy = f"Write it again{'' if is_project else ' in the project'}: `reelgraph export {path}`."
    try:
        contents = read_bundle(path)
    except ReelgraphError as error:
        return Check("bundle", "broken", str(error), remedy)
    config = contents.config
    detail = (
        f"{path}/: {config.movies:,} movies, rater {config.rater.model.type}, "
        f"written by reelgraph {config.reelgraph}"
    )
    if WEIGHTS.is_file() and not filecmp.cmp(WEIGHTS, contents.weights, shallow=False):
        return Check("bundle", "stale", f"{detail}; {PIPELINE_FOLDER}/ has another model", remedy)
    return Check("bundle", "ok", detail)

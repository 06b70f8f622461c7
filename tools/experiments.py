"""Ranks the experiments: ``python -m tools.experiments``.

Only runs on the same test targets are ranked together, by validation RMSE: an error on other data or another
split is on another scale. It reads what experiments left in git.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.review.revision import Sides, flatten, parse_json, parse_yaml

EXPERIMENT_REF = re.compile(r"(\w+) refs/exps/[0-9a-f]{2}/[0-9a-f]{38}/(.+)")
FILES = ("metrics/rater.json", "plots/predictions.tsv", "params.yaml")
WORKSPACE = "workspace"


@dataclass(frozen=True)
class Run:
    """The workspace or an experiment."""

    name: str
    val_rmse: float
    test_rmse: float
    n_targets: int
    targets: str
    """Hash of the test targets."""
    params: dict[str, object]


def read_runs(root: Path) -> list[Run]:
    """Return the workspace and the experiments that have errors and predictions of the rater."""
    head = Sides(root, "HEAD")
    refs = head.git("for-each-ref", "--format=%(objectname) %(refname)", "refs/exps")
    matches = [match for match in map(EXPERIMENT_REF.fullmatch, refs.splitlines()) if match]
    contents = {WORKSPACE: [head.texts(path)[1] for path in FILES]}
    for revision, name in sorted((match.groups() for match in matches), key=lambda pair: pair[1]):
        contents[name] = [Sides(root, revision).texts(path)[0] for path in FILES]
    runs = (_to_run(name, *texts) for name, texts in contents.items())
    return [run for run in runs if run is not None]


def _to_run(name: str, metrics: str, predictions: str, params: str) -> Run | None:
    """Return a run from the texts of ``FILES``; None if one of the figures is missing."""
    errors = parse_json(metrics)
    if not predictions or not errors.keys() >= {"val_rmse", "rmse"}:
        return None
    # user, movie and rating identify a target; the prediction is the last column
    targets = [line.rpartition("\t")[0] for line in predictions.splitlines()[1:]]
    fingerprint = hashlib.sha256("\n".join(targets).encode()).hexdigest()[:8]
    values = dict(flatten(parse_yaml(params)))
    return Run(name, errors["val_rmse"], errors["rmse"], len(targets), fingerprint, values)


def format_runs(runs: list[Run]) -> str:
    """Return a table for each set of test targets, the best run first."""
    groups: dict[str, list[Run]] = {}
    for run in runs:
        groups.setdefault(run.targets, []).append(run)
    defaults = runs[0].params if runs else {}
    return "\n\n".join("\n".join(_format_group(group, defaults)) for group in groups.values())


def _format_group(runs: list[Run], defaults: dict[str, object]) -> Iterator[str]:
    yield f"Targets {runs[0].targets} ({runs[0].n_targets:,}): comparable with each other only"
    width = max(len(run.name) for run in runs) + 2
    yield f"{'run':<{width}}{'val RMSE':>9}{'test RMSE':>11}  params that differ from those of {WORKSPACE}"
    for run in sorted(runs, key=lambda run: (run.val_rmse, run.name)):
        differing = [f"{key}={value}" for key, value in run.params.items() if defaults.get(key) != value]
        line = f"{run.name:<{width}}{run.val_rmse:>9.4f}{run.test_rmse:>11.4f}  {' '.join(differing)}"
        yield line.rstrip()


if __name__ == "__main__":
    print(format_runs(read_runs(Path("."))) or "No run has metrics and predictions: run `make repro` first.")

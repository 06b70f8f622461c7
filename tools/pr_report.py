"""What a change did, as one Markdown table for a review: ``python -m tools.pr_report BASE``.

Metrics and params that differ between BASE and the workspace, the most important first, stages whose
lock entry differs, and whether the lock is up to date.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

HEADER = "| what | name | {base} | now | change |\n|---|---|---|---|---|\n"
FIRST = ("metrics/rater.json: test.", "metrics/rater.json: val.", "metrics/rater.json: ",
         "metrics/baselines.json: ", "metrics/external_baselines.json: ")  # fmt: skip
"""Metrics by importance; within these RMSE goes before MAE, and those before all else."""
MEASURES = ("rmse", "mae")
ABSENT = ("deleted", "not in cache")
"""What DVC says of a file that isn't in this clone."""
NAMED = 10
"""So many stale stages are named, of those that a pipeline has."""

Row = tuple[str, str, str, str, str]


def build_report(base: str, root: Path | str = ".") -> str:
    """Return the table for the change from ``base`` (any git revision) to the workspace."""
    rows = [
        *_metrics(_dvc(root, "metrics", "diff", "--json", base)),
        *_params(_dvc(root, "params", "diff", "--json", base)),
        *_stages(root, base),
        *_plots(root, base),
        *(_lock(file, _dvc(root, "status", "--json", file)) for file in _pipelines(root)),
    ]
    return HEADER.format(base=base) + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _metrics(diff: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Iterator[Row]:
    changed = {f"{path}: {key}": value for path, keys in diff.items() for key, value in keys.items()}
    for name in sorted(changed, key=_importance):
        value = changed[name]
        change = f"{value['diff']:+.4g}" if "diff" in value else ""
        yield (
            "metric",
            f"`{name.removeprefix('metrics/')}`",
            _number(value.get("old")),
            _number(value.get("new")),
            change,
        )


def _importance(name: str) -> tuple[int, int, str]:
    file = next((at for at, start in enumerate(FIRST) if name.startswith(start)), len(FIRST))
    measure = name.rpartition(".")[2]
    return file, MEASURES.index(measure) if measure in MEASURES else len(MEASURES), name


def _params(diff: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Iterator[Row]:
    for path, keys in sorted(diff.items()):
        for key, value in sorted(keys.items()):
            name = f"`{key}`" if path == "params.yaml" else f"`{path}: {key}`"
            yield "param", name, _text(value.get("old")), _text(value.get("new")), ""


def _pipelines(root: Path | str) -> list[str]:
    """Return the dvc.yaml of the pipeline, and of each study that was run."""
    run = sorted(Path(root).glob("studies/*/dvc.lock"))
    return ["dvc.yaml", *(path.with_suffix(".yaml").relative_to(root).as_posix() for path in run)]


def _stages(root: Path | str, base: str) -> Iterator[Row]:
    for lock in (file.replace("dvc.yaml", "dvc.lock") for file in _pipelines(root)):
        before, after = _entries(_git(root, base, lock)), _entries(_workspace(root, lock))
        for name in sorted(before.keys() | after.keys()):
            if before.get(name) != after.get(name):
                shown = name if lock == "dvc.lock" else f"{Path(lock).parent.name}: {name}"
                yield "stage", f"`{shown}`", *_difference(before.get(name), after.get(name))


def _difference(before: dict[str, Any] | None, after: dict[str, Any] | None) -> tuple[str, str, str]:
    if before is None or after is None:
        return ("–", "new", "") if before is None else ("there", "gone", "")
    parts = [part for part in ("cmd", "params", "deps", "outs") if before.get(part) != after.get(part)]
    return "", "", f"other {', '.join(parts)}"


def _plots(root: Path | str, base: str) -> Iterator[Row]:
    command = ["git", "diff", "--name-status", "--no-renames", base, "--", "plots"]
    done = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True)
    words = {"A": ("–", "new"), "D": ("there", "gone"), "M": ("", "other")}
    for state, path in (line.split("\t") for line in done.stdout.splitlines()):
        yield "plot", f"`{path.removeprefix('plots/')}`", *words.get(state, ("", "other")), ""


def _lock(file: str, status: Mapping[str, Any]) -> Row:
    """Tell which stages are stale; that data isn't here, as in a clone without a remote, is another thing."""
    absent = {name for name, changes in status.items() if changes and all(map(_only_absent, changes))}
    stale = [name.rpartition(":")[2] for name in sorted(status.keys() - absent)]
    more = [f"{len(stale) - NAMED} more"] if len(stale) > NAMED else []
    said = f"stale: {', '.join(stale[:NAMED] + more)}" if stale else "up to date"
    return "lock", f"`{file}`", "", said + (f"; data of {len(absent)} stages not here" if absent else ""), ""


def _only_absent(change: object) -> bool:
    if not isinstance(change, Mapping):
        return False
    return all(state in ABSENT for part in change.values() for state in part.values())


def _dvc(root: Path | str, *command: str) -> Any:
    done = subprocess.run(["dvc", *command], cwd=root, check=True, capture_output=True, text=True)
    return json.loads(done.stdout or "{}")


def _git(root: Path | str, base: str, path: str) -> str:
    done = subprocess.run(
        ["git", "show", f"{base}:{path}"], cwd=root, check=False, capture_output=True, text=True
    )
    return done.stdout


def _workspace(root: Path | str, path: str) -> str:
    place = Path(root) / path
    return place.read_text(encoding="utf-8") if place.exists() else ""


def _entries(lock: str) -> dict[str, Any]:
    return (YAML(typ="safe").load(lock) or {}).get("stages", {})


def _number(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else _text(value)


def _text(value: object) -> str:
    return "–" if value is None else str(value).replace("|", "\\|")


if __name__ == "__main__":
    print(build_report(sys.argv[1] if len(sys.argv) > 1 else "main"), end="")

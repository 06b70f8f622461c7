"""The effects of a change as a Markdown table for a review: ``python -m tools.pr_report BASE``.

It lists the metrics and params that differ between BASE and the workspace, the most important first,
the stages whose lock entry differs, and whether the lock is up to date.
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
METRIC_ORDER = ("metrics/rater.json: test.", "metrics/rater.json: val.", "metrics/rater.json: ",
         "metrics/baselines.json: ", "metrics/external_baselines.json: ")  # fmt: skip
"""Prefixes of the most important metrics; within a prefix, RMSE comes first, then MAE."""
ERROR_METRICS = ("rmse", "mae")
ABSENT = ("deleted", "not in cache")
"""DVC's states of a file that is missing from this clone."""
MAX_STALE_NAMES = 10
"""Largest number of stale stages that are named."""

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
            _format_number(value.get("old")),
            _format_number(value.get("new")),
            change,
        )


def _importance(name: str) -> tuple[int, int, str]:
    """Return a sort key: rank of the prefix, rank of the metric, name."""
    prefix_ranks = [rank for rank, prefix in enumerate(METRIC_ORDER) if name.startswith(prefix)]
    metric = name.rpartition(".")[2]
    metric_rank = ERROR_METRICS.index(metric) if metric in ERROR_METRICS else len(ERROR_METRICS)
    return min(prefix_ranks, default=len(METRIC_ORDER)), metric_rank, name


def _params(diff: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Iterator[Row]:
    for path, keys in sorted(diff.items()):
        for key, value in sorted(keys.items()):
            name = f"`{key}`" if path == "params.yaml" else f"`{path}: {key}`"
            yield "param", name, _format_text(value.get("old")), _format_text(value.get("new")), ""


def _pipelines(root: Path | str) -> list[str]:
    """Return the dvc.yaml of the pipeline and of each study that was run."""
    study_locks = sorted(Path(root).glob("studies/*/dvc.lock"))
    return ["dvc.yaml", *(path.with_suffix(".yaml").relative_to(root).as_posix() for path in study_locks)]


def _stages(root: Path | str, base: str) -> Iterator[Row]:
    for lock in (file.replace("dvc.yaml", "dvc.lock") for file in _pipelines(root)):
        before = _lock_entries(_committed_text(root, base, lock))
        after = _lock_entries(_workspace_text(root, lock))
        for name in sorted(before.keys() | after.keys()):
            if before.get(name) != after.get(name):
                label = name if lock == "dvc.lock" else f"{Path(lock).parent.name}: {name}"
                yield "stage", f"`{label}`", *_difference(before.get(name), after.get(name))


def _difference(before: dict[str, Any] | None, after: dict[str, Any] | None) -> tuple[str, str, str]:
    if before is None or after is None:
        return ("–", "added", "") if before is None else ("present", "removed", "")
    parts = [part for part in ("cmd", "params", "deps", "outs") if before.get(part) != after.get(part)]
    return "", "", f"changed {', '.join(parts)}"


def _plots(root: Path | str, base: str) -> Iterator[Row]:
    command = ["git", "diff", "--name-status", "--no-renames", base, "--", "plots"]
    result = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True)
    changes = {"A": ("–", "added"), "D": ("present", "removed"), "M": ("", "changed")}
    for state, path in (line.split("\t") for line in result.stdout.splitlines()):
        yield "plot", f"`{path.removeprefix('plots/')}`", *changes.get(state, ("", "changed")), ""


def _lock(file: str, status: Mapping[str, Any]) -> Row:
    """Return which stages are stale; a stage whose data is only missing from this clone is not."""
    without_data = {
        name for name, changes in status.items() if changes and all(map(_is_only_absent, changes))
    }
    stale = [name.rpartition(":")[2] for name in sorted(status.keys() - without_data)]
    more = [f"{len(stale) - MAX_STALE_NAMES} more"] if len(stale) > MAX_STALE_NAMES else []
    state = f"stale: {', '.join(stale[:MAX_STALE_NAMES] + more)}" if stale else "up to date"
    missing = f"; data of {len(without_data)} stages missing" if without_data else ""
    return "lock", f"`{file}`", "", state + missing, ""


def _is_only_absent(change: object) -> bool:
    if not isinstance(change, Mapping):
        return False
    return all(state in ABSENT for part in change.values() for state in part.values())


def _dvc(root: Path | str, *command: str) -> Any:
    result = subprocess.run(["dvc", *command], cwd=root, check=True, capture_output=True, text=True)
    return json.loads(result.stdout or "{}")


def _committed_text(root: Path | str, base: str, path: str) -> str:
    result = subprocess.run(
        ["git", "show", f"{base}:{path}"], cwd=root, check=False, capture_output=True, text=True
    )
    return result.stdout


def _workspace_text(root: Path | str, path: str) -> str:
    file = Path(root) / path
    return file.read_text(encoding="utf-8") if file.exists() else ""


def _lock_entries(lock: str) -> dict[str, Any]:
    return (YAML(typ="safe").load(lock) or {}).get("stages", {})


def _format_number(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else _format_text(value)


def _format_text(value: object) -> str:
    return "–" if value is None else str(value).replace("|", "\\|")


if __name__ == "__main__":
    print(build_report(sys.argv[1] if len(sys.argv) > 1 else "main"), end="")

"""The sections of a review: comparisons, params, lock, stages, metrics and plots, as lines of Markdown."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from reelgraph.evaluation.markdown import code_span, escape_markdown, markdown_table
from tools.review.comparisons import TARGET_FILES, Comparison, compare_targets
from tools.review.revision import Sides, flatten, parse_json, parse_yaml
from tools.review.stages import Entries, StageChange, compare_entries, writer_of

ABSENT = ("deleted", "not in cache")
"""DVC's states of a file that is missing from this clone."""
MAX_STALE_NAMES = 10
INTERVAL_ENDS = ("_low", "_high")
"""Suffixes of the keys of a metric's interval."""
METRIC_FILES = ("rater", "baselines", "ranking", "links", "embeddings")
"""Files of metrics/ in the order of the review; others follow."""
PROCESSOR = "processor"
Row = tuple[str, ...]


def lock_entries(sides: Sides) -> tuple[Entries, Entries]:
    """Return the lock entries on both sides."""
    before, after = (parse_yaml(text).get("stages", {}) for text in sides.texts("dvc.lock"))
    return before, after


def compare_all_targets(sides: Sides, unexplained: set[str], entries: Entries) -> list[Comparison]:
    """Compare each file of target rows; what differs without a cause is the processor's."""
    comparisons = []
    for file in TARGET_FILES:
        rows = compare_targets(file, sides.base, *sides.texts(file.path))
        is_processor = writer_of(entries, file.path) in unexplained
        comparisons += [
            replace(row, verdict=PROCESSOR) if is_processor and row.differs else row for row in rows
        ]
    return comparisons


def param_rows(sides: Sides) -> list[Row]:
    """Return name, old and new value of each param that differs."""
    rows = []
    for path in ("params.yaml", *(path for path in sides.paths("studies", "params.yaml"))):
        before, after = (dict(flatten(parse_yaml(text))) for text in sides.texts(path))
        prefix = "" if path == "params.yaml" else f"{path}: "
        rows += [(code_span(f"{prefix}{key}"), *values) for key, values in _differences(before, after)]
    return rows


def _differences(before: Mapping[str, object], after: Mapping[str, object]) -> Iterator[tuple[str, Row]]:
    for key in [*after, *(key for key in before if key not in after)]:
        old, new = before.get(key), after.get(key)
        if key not in before or key not in after or old != new:
            yield key, (_format_value(old, key in before), _format_value(new, key in after))


def metric_rows(sides: Sides, unexplained: set[str], entries: Entries) -> tuple[list[Row], list[Row]]:
    """Return the metrics that differ: those that left the interval of the base, and the others.

    A row has name, both values, the difference, and the interval, ``processor`` or nothing.
    """
    beyond: list[Row] = []
    within: list[Row] = []
    paths = sides.paths("metrics", ".json")
    for path in sorted(paths, key=lambda path: (_file_rank(path), path)):
        before, after = map(parse_json, sides.texts(path))
        is_processor = writer_of(entries, path) in unexplained
        for key, values in _differences(before, after):
            if key.endswith(INTERVAL_ENDS):
                continue
            interval = [before.get(key + end) for end in INTERVAL_ENDS]
            change, is_beyond = _change(before.get(key), after.get(key), interval)
            note = PROCESSOR if is_processor else _format_interval(interval)
            name = f"{Path(path).stem}: {key}"
            rows = beyond if is_beyond and not is_processor else within
            rows.append((code_span(name), *values, change, note))
    return beyond, within


def _file_rank(path: str) -> int:
    stem = Path(path).stem
    return METRIC_FILES.index(stem) if stem in METRIC_FILES else len(METRIC_FILES)


def _change(old: object, new: object, interval: list[object]) -> tuple[str, bool]:
    """Return the difference, and whether the new value is outside of the interval of the old one."""
    if not _is_number(old) or not _is_number(new):
        return "", False
    low, high = interval
    is_beyond = _is_number(low) and _is_number(high) and not low <= new <= high  # type: ignore[operator]
    return f"{new - old:+.4g}".replace("-", "−"), is_beyond  # type: ignore[operator]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _format_interval(interval: list[object]) -> str:
    low, high = interval
    return f"{low}…{high}" if _is_number(low) and _is_number(high) else ""


def _format_value(value: object, is_present: bool) -> str:
    if not is_present:
        return "–"
    return f"{value:.6g}" if isinstance(value, float) else escape_markdown(str(value)) or "(empty)"


def stage_lines(changes: list[StageChange]) -> list[str]:
    """Return a list item a stage that ran again: its name, and what made it run."""
    return [
        f"- {code_span(change.name)}: {', '.join(map(code_span, change.describe_reasons())) or PROCESSOR}"
        for change in changes
    ]


def find_changes(before: Entries, after: Entries) -> tuple[list[StageChange], set[str]]:
    """Return the stages that ran again, and the names of those that did without a cause in the lock."""
    changes = compare_entries(before, after)
    return changes, {change.name for change in changes if not change.explained}


def lock_line(root: Path) -> str:
    """Return the state of the lock in one line."""
    command = [sys.executable, "-m", "dvc", "status", "--json"]
    result = subprocess.run(command, cwd=root, check=False, capture_output=True, text=True)
    if result.returncode:
        return f"Lock: {code_span('dvc.yaml')} is unknown: {escape_markdown(result.stderr)}."
    return f"Lock: {code_span('dvc.yaml')} {_lock_state(json.loads(result.stdout or '{}'))}."


def _lock_state(status: Mapping[str, Any]) -> str:
    """Return which stages are stale; a stage whose data is only missing from this clone is not."""
    without_data = {
        name for name, changes in status.items() if changes and all(map(_is_only_absent, changes))
    }
    stale = sorted(status.keys() - without_data)
    more = [f"{len(stale) - MAX_STALE_NAMES} more"] if len(stale) > MAX_STALE_NAMES else []
    names = ", ".join([*map(code_span, stale[:MAX_STALE_NAMES]), *more])
    state = f"is stale: {names}" if stale else "is up to date"
    return state + (f" (data of {len(without_data)} stages missing)" if without_data else "")


def _is_only_absent(change: object) -> bool:
    if not isinstance(change, Mapping):
        return False
    return all(state in ABSENT for part in change.values() for state in part.values())


def plot_links(sides: Sides, link_root: str) -> list[str]:
    """Return a link to each plot that differs."""
    return [
        f"[{escape_markdown(path.removeprefix('plots/'))}]({link_root}{quote(path)})"
        for path in sides.changed_files("plots")
    ]


def metric_table(base: str, rows: list[Row]) -> list[str]:
    """Return the table of metrics that differ."""
    name = escape_markdown(base)
    return markdown_table(("metric", name, "now", "change", f"95 % at {name}"), rows)


def param_table(base: str, rows: list[Row]) -> list[str]:
    """Return the table of params that differ."""
    return markdown_table(("param", escape_markdown(base), "now"), rows)

"""DVC's experiments as parallel coordinates, on one page that needs no network."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from reelgraph.runtime.errors import InputError

METRICS = {"validation RMSE": "val.rmse", "test RMSE": "test.rmse"}
"""Axis → key of metrics/rater.json."""
WIDTH, HEIGHT, MARGIN = 960, 420, 70
STYLE = """
:root { color-scheme: light dark; --ink: #1d2733; --paper: #fbfaf8; --soft: #55606e; --best: #1f5fbf; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8eaed; --paper: #14181d; --soft: #a9b2bd; --best: #86b4f5; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 66rem; margin: 1rem auto; padding: 0 1rem; }
svg { width: 100%; height: auto; } text { fill: var(--ink); font-size: 13px; } line { stroke: var(--soft); }
path { fill: none; stroke: var(--soft); stroke-width: 1.5; opacity: .6; }
path:hover { stroke: var(--ink); opacity: 1; }
path.best { stroke: var(--best); stroke-width: 3; opacity: 1; }
table { border-collapse: collapse; } td, th { padding: .2rem .8rem; text-align: right; }
tr.best { font-weight: 700; }
"""


@dataclass(frozen=True)
class Experiment:
    """One run: its name, the params that differ between runs, and its metrics."""

    name: str
    values: Mapping[str, Any]
    """Axis → value; metrics last."""


def experiments() -> list[Experiment]:
    """Return DVC's experiments and the commits that they come from, the best on validation first.

    Raises:
        InputError: there are fewer than two with results.
    """
    asked = subprocess.run(["dvc", "exp", "show", "--json"], capture_output=True, text=True, check=False)
    if asked.returncode:
        raise InputError(
            "dvc exp show", "the project's experiments", asked.stderr.strip()[-200:], "See `dvc exp show`."
        )
    found = of_json(json.loads(asked.stdout))
    if len(found) < 2:
        raise InputError("dvc exp show", "two or more experiments with results", str(len(found)),
                         "Queue some: `dvc exp run --queue -S model.hidden_dim=64,128`.")  # fmt: skip
    return found


def of_json(shown: Sequence[Mapping[str, Any]]) -> list[Experiment]:
    """Read what ``dvc exp show --json`` prints; runs that failed, or have no metrics, are left out."""
    runs = []
    for commit in shown:
        revisions = [each["revs"][0] for each in commit.get("experiments") or [] if each.get("revs")]
        for run in (commit, *revisions):
            data = run.get("data") or {}
            metrics = (data.get("metrics") or {}).get("metrics/rater.json", {}).get("data")
            params = (data.get("params") or {}).get("params.yaml", {}).get("data")
            if metrics and params and run.get("rev") != "workspace":
                runs.append((run.get("name") or str(run["rev"])[:7], _flat(params), _flat(metrics)))
    axes = [key for key in sorted({k for _, params, _ in runs for k in params})
            if len({json.dumps(params.get(key)) for _, params, _ in runs}) > 1]  # fmt: skip
    found = [
        Experiment(name, {key: params.get(key) for key in axes}
                   | {axis: metrics[key] for axis, key in METRICS.items() if key in metrics})
        for name, params, metrics in runs
    ]  # fmt: skip
    return sorted(found, key=lambda each: each.values.get("validation RMSE", float("inf")))


def _flat(values: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat |= _flat(value, f"{before}{key}.") if isinstance(value, Mapping) else {before + key: value}
    return flat


def page(found: Sequence[Experiment]) -> str:
    """Return the page: a line an experiment through an axis a param, and a table; the best is marked."""
    axes = list(dict.fromkeys(axis for each in found for axis in each.values))
    head = _cells("th", ("experiment", *axes))
    rows = [_cells("td", (each.name, *(each.values.get(axis) for axis in axes))) for each in found]
    body = "\n".join(f"<tr{_best(at)}>{row}</tr>" for at, row in enumerate(rows))
    return f"""<!DOCTYPE html>
<html lang="en"><meta charset="utf-8"><title>Experiments</title>
<style>{STYLE}</style>
<h1>Experiments</h1>
<p>A line an experiment; the best on validation is marked.</p>
{_plot(found, axes)}
<table><thead><tr>{head}</tr></thead>
<tbody>{body}</tbody></table>
</html>
"""


def _cells(tag: str, values: Sequence[object]) -> str:
    return "".join(f"<{tag}>{escape(_told(value))}</{tag}>" for value in values)


def _plot(found: Sequence[Experiment], axes: Sequence[str]) -> str:
    place = {axis: MARGIN + at * (WIDTH - 2 * MARGIN) / max(1, len(axes) - 1) for at, axis in enumerate(axes)}
    height = {axis: _heights([each.values.get(axis) for each in found]) for axis in axes}
    parts = []
    for axis, x in place.items():
        parts.append(f'<line x1="{x:.0f}" x2="{x:.0f}" y1="{MARGIN}" y2="{HEIGHT - MARGIN}"/>')
        parts.append(f'<text x="{x:.0f}" y="30" text-anchor="middle">{escape(axis)}</text>')
        for value, y in _ticks(height[axis]):
            parts.append(f'<text x="{x + 6:.0f}" y="{y + 4:.0f}">{escape(value)}</text>')
    for at, each in reversed(list(enumerate(found))):
        points = [f"{place[axis]:.1f},{height[axis][_told(each.values.get(axis))]:.1f}" for axis in axes]
        parts.append(f'<path{_best(at)} d="M{" L".join(points)}"><title>{escape(each.name)}</title></path>')
    start = f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="Parallel coordinates">'
    return start + "".join(parts) + "</svg>"


def _heights(values: Sequence[Any]) -> dict[str, float]:
    """Return a height for each value: by its size where all are numbers, else evenly."""
    numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
    if len(numbers) == len(values):
        low, span = min(numbers), (max(numbers) - min(numbers)) or 1
        return {_told(v): _height((v - low) / span) for v in sorted(set(numbers))}
    texts = sorted({_told(v) for v in values})
    return {text: _height(at / max(1, len(texts) - 1)) for at, text in enumerate(texts)}


def _height(share: float) -> float:
    return HEIGHT - MARGIN - share * (HEIGHT - 2 * MARGIN)


def _ticks(heights: Mapping[str, float]) -> list[tuple[str, float]]:
    listed = list(heights.items())
    return listed if len(listed) <= 6 else [listed[0], listed[-1]]


def _best(at: int) -> str:
    return "" if at else ' class="best"'


def _told(value: object) -> str:
    return "–" if value is None else f"{value:.5g}" if isinstance(value, float) else str(value)

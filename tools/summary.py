"""Prints the errors of the rater and the baselines, and the times of the stages.

``python -m tools.summary external_baselines`` adds the models of ``make external-baselines``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from reelgraph.runtime.atomic_io import read_json
from reelgraph.runtime.stage_runner import TIMINGS

REPORT = Path("data/report/index.html")


def result_table(metrics_names: list[str]) -> str:
    """Return the table of the rater, the baselines, and the models of further metrics files."""
    baselines: dict[str, Any] = {}
    for name in ("baselines", *metrics_names):
        baselines |= read_json(f"metrics/{name}.json")
    return format_result_table(read_json("metrics/rater.json"), baselines)


def format_result_table(rater: dict[str, Any], baselines: dict[str, Any]) -> str:
    """Return a table of RMSE and MAE in stars, the best first."""
    test = rater["test"]
    rows = {"rater": test} | baselines
    lines = [f"{'':<16}{'RMSE':>8}{'MAE':>8}   (stars, {test['n_targets']:,} test targets)"]
    for name, row in sorted(rows.items(), key=lambda item: item[1]["rmse"]):
        lines.append(f"{name:<16}{row['rmse']:>8.4f}{row['mae']:>8.4f}")
    if "bayes_rmse" in rater:
        lines.append(f"{'best possible':<16}{rater['bayes_rmse']:>8.4f}   (true movie factors)")
    improvement = test["improvement_pct"]
    side = "below" if improvement >= 0 else "above"
    lines.append(f"The rater's RMSE is {abs(improvement):.1f} % {side} the user mean's.")
    return "\n".join(lines)


def timings() -> str:
    """Return seconds and peak memory of the last run of each stage and of each baseline's fit."""
    lines = []
    for path in sorted(TIMINGS.rglob("*.json")):
        name = str(path.relative_to(TIMINGS).with_suffix(""))
        timing = json.loads(path.read_text())
        lines.append(f"{name:<32}{timing['seconds']:>8.1f} s{timing['peak_mb']:>8,} MB")
    return "\n".join(lines)


def report_link() -> str:
    """Return the report's address for a browser; empty without a report."""
    return f"\nReport: {REPORT.resolve().as_uri()}" if REPORT.exists() else ""


if __name__ == "__main__":
    print(f"\n{timings()}\n\n{result_table(sys.argv[1:])}{report_link()}")

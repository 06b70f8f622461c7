"""Print the result table: the rater beside its baselines, and how long the stages took.

``python -m tools.summary peers`` puts the strong models of ``make external-baselines`` beside them.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from reelgraph.runtime.atomic_io import read_json
from reelgraph.runtime.stage_runner import TIMINGS


def result_table(tables: list[str]) -> str:
    """Return the workspace's result table: the rater, the baselines, the models of other metrics files."""
    others: dict[str, Any] = {}
    for name in ("baselines", *tables):
        others |= read_json(f"metrics/{name}.json")
    return format_result_table(read_json("metrics/rater.json"), others)


def format_result_table(rater: dict[str, Any], baselines: dict[str, Any]) -> str:
    """Return the rater and the baselines, best first, in stars."""
    test = rater["test"]
    rows = {"rater": test} | baselines
    lines = [f"{'':<16}{'RMSE':>8}{'MAE':>8}   (stars, {test['n_targets']:,} test targets)"]
    for name, row in sorted(rows.items(), key=lambda item: item[1]["rmse"]):
        lines.append(f"{name:<16}{row['rmse']:>8.4f}{row['mae']:>8.4f}")
    if "bayes_rmse" in rater:
        lines.append(f"{'best possible':<16}{rater['bayes_rmse']:>8.4f}   (movies known, person inferred)")
    lines.append(f"The rater's RMSE is {test['improvement_pct']:.1f} % below the user mean's.")
    return "\n".join(lines)


def timings() -> str:
    """Return seconds and peak memory of the last run here of each stage, and of each fit of a baseline."""
    names = sorted(str(path.relative_to(TIMINGS).with_suffix("")) for path in TIMINGS.rglob("*.json"))
    found = {name: json.loads((TIMINGS / f"{name}.json").read_text()) for name in names}
    lines = [f"{name:<32}{row['seconds']:>8.1f} s{row['peak_mb']:>8,} MB" for name, row in found.items()]
    return "\n".join(lines)


REPORT = Path("data/report/index.html")


def report() -> str:
    """Return where the report lies, as a browser takes it; nothing where it isn't made yet."""
    return f"\nAll figures on one page: {REPORT.resolve().as_uri()}" if REPORT.exists() else ""


if __name__ == "__main__":
    print(f"\n{timings()}\n\n{result_table(sys.argv[1:])}{report()}")

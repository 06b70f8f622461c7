"""Print the result table: the rater beside its baselines, and how long the stages took."""

from __future__ import annotations

import json
from typing import Any

from reelgraph.door import TIMINGS
from reelgraph.files import read_json


def results() -> str:
    """Return the workspace's result table."""
    return results_of(read_json("metrics/rater.json"), read_json("metrics/baselines.json"))


def results_of(rater: dict[str, Any], baselines: dict[str, Any]) -> str:
    """Return the rater and the baselines, best first, in stars."""
    test = rater["test"]
    rows = {"rater": test} | baselines
    lines = [f"{'':<16}{'RMSE':>8}{'MAE':>8}   (stars, {test['n_targets']:,} test targets)"]
    for name, row in sorted(rows.items(), key=lambda item: item[1]["rmse"]):
        lines.append(f"{name:<16}{row['rmse']:>8.4f}{row['mae']:>8.4f}")
    if "bound" in rater:
        lines.append(f"{'best possible':<16}{rater['bound']['rmse']:>8.4f}   (movies known, person inferred)")
    lines.append(f"The rater's RMSE is {test['improvement_pct']:.1f} % below the user mean's.")
    return "\n".join(lines)


def timings() -> str:
    """Return seconds and peak memory of each stage's last run here."""
    found = {path.stem: json.loads(path.read_text()) for path in sorted(TIMINGS.glob("*.json"))}
    lines = [f"{name:<24}{row['seconds']:>8.1f} s{row['peak_mb']:>8,} MB" for name, row in found.items()]
    return "\n".join(lines)


if __name__ == "__main__":
    print(f"\n{timings()}\n\n{results()}")

"""Prints the errors of the rater and the baselines, and the times of the stages.

``python -m tools.summary external_baselines`` adds the models of ``make external-baselines``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from reelgraph.core.schemas.reports import TABLES, format_figures, read_table
from reelgraph.runtime.errors import ReelgraphError
from reelgraph.runtime.stage_runner import TIMINGS

REPORT = Path("data/report/index.html")


def result_table(studies: list[str]) -> str:
    """Return the table of the rater, the baselines, and the models of studies."""
    models = read_table("reports/models.tsv", TABLES["models"])
    for name in studies:
        models |= read_table(f"studies/{name}/results.tsv", TABLES["models"])
    return format_result_table(models)


def format_result_table(models: dict[str, Any]) -> str:
    """Return a table of RMSE and MAE in stars, the best first.

    Args:
        models: content of reports/models.tsv.
    """
    rater = models["rater"]
    best_first = sorted(models.items(), key=lambda item: (item[1]["rmse"], item[0]))
    names = [name for name, _ in best_first]
    rmse = [row["rmse"] for _, row in best_first]
    mae = format_figures([row["mae"] for _, row in best_first])
    if "bayes_rmse" in rater:
        names.append("best possible")
        rmse.append(rater["bayes_rmse"])
        mae.append("   (true movie factors)")
    lines = [f"{'':<16}{'RMSE':>8}{'MAE':>8}   (stars, {rater['n_targets']:,} test targets)"]
    lines += [
        f"{name:<16}{value:>8}{error:>8}"
        for name, value, error in zip(names, format_figures(rmse), mae, strict=True)
    ]
    improvement = rater["improvement_pct"]
    side = "below" if improvement >= 0 else "above"
    lines.append(f"The rater's RMSE is {abs(improvement):.1f} % {side} the user mean's.")
    return "\n".join(lines)


def timings(stages: list[str], folder: Path) -> str:
    """Return seconds and peak memory of the last run of each stage, and of its steps.

    Args:
        stages: names of stages; files of others, which earlier versions have left, are ignored.
        folder: what the stages write their timings to.
    """
    lines = []
    for stage in stages:
        for path in [folder / f"{stage}.json", *sorted((folder / stage).glob("*.json"))]:
            if path.is_file():
                name = str(path.relative_to(folder).with_suffix(""))
                timing = json.loads(path.read_text())
                lines.append(f"{name:<32}{timing['seconds']:>8.1f} s{timing['peak_mb']:>8,} MB")
    return "\n".join(lines)


def report_link() -> str:
    """Return the report's address for a browser; empty without a report."""
    return f"\nReport: {REPORT.resolve().as_uri()}" if REPORT.exists() else ""


if __name__ == "__main__":
    stages = YAML(typ="safe").load(Path("dvc.yaml"))["stages"]
    try:
        print(f"\n{timings(list(stages), TIMINGS)}\n\n{result_table(sys.argv[1:])}{report_link()}")
    except ReelgraphError as error:
        sys.exit(str(error))

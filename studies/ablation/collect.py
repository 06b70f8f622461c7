"""Stage ablation: the runs → metrics/ablation.json, plots/ablation.png."""

from __future__ import annotations

from reelgraph.params.ablation import ABLATION_FILE, AblationParams
from reelgraph.runtime.atomic_io import read_json, write_metrics
from reelgraph.runtime.stage_runner import run
from reelgraph.studies.table import collected, dots, rows_of


def work(params: AblationParams) -> str:
    """Collect mean and spread of each row."""
    seeds = params.ablation.seeds
    names = [row.name for row in rows_of(params.ablation)]
    table = collected({
        name: [read_json(f"data/ablation/runs/{name}-{seed}.json") for seed in seeds] for name in names
    })  # fmt: skip
    write_metrics(table, "metrics/ablation.json")
    dots(table, "plots/ablation.png")
    best = min(table, key=lambda name: table[name]["val_rmse"])
    return f"{len(table)} rows, best {best}: validation RMSE {table[best]['val_rmse']:.4f} stars"


if __name__ == "__main__":
    run("ablation", AblationParams, work, ABLATION_FILE)

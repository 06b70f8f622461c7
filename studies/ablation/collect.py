"""Stage ablation: the runs → metrics/ablation.json, plots/ablation.png."""

from __future__ import annotations

from reelgraph.runtime.atomic_io import read_json, write_metrics
from reelgraph.runtime.stage_runner import run_stage
from studies.ablation.params import ABLATION_FILE, AblationParams
from studies.ablation.result_table import aggregate_runs, list_experiments, plot_table


def main(params: AblationParams) -> str:
    """Collect mean and spread of each row."""
    seeds = params.ablation.seeds
    names = [row.name for row in list_experiments(params.ablation)]
    table = aggregate_runs({
        name: [read_json(f"data/ablation/runs/{name}-{seed}.json") for seed in seeds] for name in names
    })  # fmt: skip
    write_metrics(table, "metrics/ablation.json")
    plot_table(table, "plots/ablation.png")
    best = min(table, key=lambda name: table[name]["val_rmse"])
    return f"{len(table)} rows, best {best}: validation RMSE {table[best]['val_rmse']:.4f} stars"


if __name__ == "__main__":
    run_stage("ablation", AblationParams, main, ABLATION_FILE)

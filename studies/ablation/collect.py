"""Stage ablation: the results of the runs → results.tsv, plots/ablation.png."""

from __future__ import annotations

from reelgraph.core.schemas.reports import write_table
from reelgraph.runtime.atomic_io import read_json
from reelgraph.runtime.stage_runner import run_stage
from studies.ablation.params import ABLATION_FILE, AblationParams
from studies.ablation.result_table import aggregate_runs, list_experiments, plot_table


def main(params: AblationParams) -> str:
    """Write mean and std of each experiment."""
    by_seed = [read_json(f"data/ablation/runs/{seed}.json") for seed in params.ablation.seeds]
    names = [experiment.name for experiment in list_experiments(params.ablation)]
    runs = {name: [results[name] for results in by_seed] for name in names}
    table = aggregate_runs(runs)
    write_table(table, ["experiment"], "studies/ablation/results.tsv")
    plot_table(table, "plots/ablation.png")
    best = min(table, key=lambda name: table[name]["val_rmse"])
    return f"{len(table)} experiments, best {best}: validation RMSE {table[best]['val_rmse']:.4f} stars"


if __name__ == "__main__":
    run_stage("ablation", AblationParams, main, ABLATION_FILE)

"""The ablation study: fits each experiment's rater with each seed → results.tsv, plots/ablation.png."""

from __future__ import annotations

from pathlib import Path

from reelgraph.core.schemas.reports import write_table
from reelgraph.core.torch_setup import configure_torch
from reelgraph.runtime.checkpointing import resumable
from reelgraph.runtime.stage_runner import record_timing
from reelgraph.sequences.dataset import UserHistories, read_histories
from studies.ablation.ablations import rater_params, read_vectors_of, run_experiment
from studies.ablation.params import AblationParams
from studies.ablation.result_table import Experiment, aggregate_runs, list_experiments, plot_table
from studies.study import run_study

NAME = "ablation"
INPUTS = (
    "data/sequences", "data/movies.parquet", "data/text_vectors.parquet", "data/kg",
    "data/movie_features.parquet", "data/emb_kg_gnn.parquet", "data/emb_kg_gnn_bert.parquet",
)  # fmt: skip
CODE = sorted(Path(__file__).parent.glob("*.py"))


def main(params: AblationParams) -> str:
    """Write mean and std of each experiment over the seeds."""
    configure_torch(params.compute)
    histories = read_histories("data/sequences")
    table = aggregate_runs(
        {
            experiment.name: [errors(experiment, seed, params, histories) for seed in params.ablation.seeds]
            for experiment in list_experiments(params.ablation)
        }
    )
    write_table(table, ["experiment"], "studies/ablation/results.tsv")
    plot_table(table, "plots/ablation.png")
    best = min(table, key=lambda name: table[name]["val_rmse"])
    return f"{len(table)} experiments, best {best}: validation RMSE {table[best]['val_rmse']:.4f} stars"


def errors(
    experiment: Experiment, seed: int, params: AblationParams, histories: UserHistories
) -> dict[str, float]:
    """Return the errors of an experiment with a seed; those of an earlier run if nothing differs."""
    run = f"{experiment.name}@{seed}"
    vectors = params.ablation.embeddings[experiment.control_embedding]
    rater = rater_params(experiment, seed, params)
    with resumable(f"{NAME}/{run}", rater, [*INPUTS, vectors, *CODE]) as checkpoints:
        result = checkpoints.result("errors", {"rater": rater.model_dump(), "random_seed": params.seed})
        if not result.completed:
            with record_timing(NAME, run):
                movies = read_vectors_of(experiment, params)
                result.log.append(run_experiment(experiment, seed, params, histories, movies))
            result.save(1, {})
    return result.log[0]


if __name__ == "__main__":
    run_study(NAME, AblationParams, main, INPUTS)

"""Stage ablation_run@SEED: all runs with one seed → data/ablation/runs/SEED.json."""

from __future__ import annotations

import sys
from functools import partial

from reelgraph.core.torch_setup import configure_torch
from reelgraph.params.base import PARAMS_FILE
from reelgraph.runtime.atomic_io import write_json
from reelgraph.runtime.checkpointing import resumable
from reelgraph.runtime.stage_runner import run_stage
from reelgraph.sequences.dataset import read_histories
from studies.ablation.ablations import read_vectors_of, run_experiment
from studies.ablation.params import ABLATION_FILE, AblationRunParams
from studies.ablation.result_table import list_experiments

INPUTS = ["data/sequences", "data/movies.parquet", "data/text_vectors.parquet", "data/kg"]


def main(stage: str, seed: int, params: AblationRunParams) -> str:
    """Fit each experiment's rater and write its errors; an interrupted run continues."""
    configure_torch(params.compute)
    histories = read_histories("data/sequences")
    results = {}
    with resumable(stage, params, [*INPUTS, *params.ablation.embeddings.values()]) as checkpoints:
        for experiment in list_experiments(params.ablation):
            checkpoint = checkpoints.checkpoint(experiment.name)
            if not checkpoint.completed:
                movies = read_vectors_of(experiment, params)
                checkpoint.log.append(run_experiment(experiment, seed, params, histories, movies))
                checkpoint.save(1, {})
            results[experiment.name] = checkpoint.log[0]
        write_json(results, f"data/ablation/runs/{seed}.json")
    return f"{len(results)} runs"


if __name__ == "__main__":
    seed = int(sys.argv[1])
    stage = f"ablation_run@{seed}"
    run_stage(stage, AblationRunParams, partial(main, stage, seed), PARAMS_FILE, ABLATION_FILE)

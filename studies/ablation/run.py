"""Run of the ablation: SEED RATER EMBEDDING [CONTROL] → data/ablation/runs/EXPERIMENT-SEED.json."""

from __future__ import annotations

import sys
from functools import partial

from reelgraph.core.torch_setup import configure_torch
from reelgraph.params.base import PARAMS_FILE
from reelgraph.raters.io import read_movie_inputs
from reelgraph.runtime.atomic_io import write_json
from reelgraph.runtime.stage_runner import run_stage
from reelgraph.sequences.dataset import read_histories
from studies.ablation.ablations import run_experiment
from studies.ablation.params import ABLATION_FILE, AblationRunParams
from studies.ablation.result_table import Experiment


def main(experiment: Experiment, seed: int, params: AblationRunParams) -> str:
    """Fit one rater and write its errors."""
    configure_torch(params.compute)
    histories = read_histories("data/sequences")
    movies = read_movie_inputs(f"data/ablation/vectors/{experiment.control_embedding}.parquet")
    result = run_experiment(experiment, seed, params, histories, movies)
    write_json(result, f"data/ablation/runs/{experiment.name}-{seed}.json")
    return f"validation RMSE {result['val_rmse']:.4f} stars"


if __name__ == "__main__":
    seed = int(sys.argv[1])
    experiment = Experiment(*sys.argv[2:])
    stage = f"ablation@{experiment.name}-{seed}"
    run_stage(stage, AblationRunParams, partial(main, experiment, seed), PARAMS_FILE, ABLATION_FILE)

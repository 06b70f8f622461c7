"""Run SEED ARCHITECTURE EMBEDDING [CONTROL] of the ablation: → data/ablation/runs/ROW-SEED.json."""

from __future__ import annotations

import sys
from functools import partial

from reelgraph.core.torch_setup import configure_torch
from reelgraph.params.base import PARAMS_FILE
from reelgraph.raters.io import read_movie_inputs
from reelgraph.runtime.atomic_io import write_metrics
from reelgraph.runtime.stage_runner import run_stage
from reelgraph.sequences.dataset import read_histories
from studies.ablation import experiment
from studies.ablation.params import ABLATION_FILE, AblationRunParams


def main(row: experiment.Experiment, seed: int, params: AblationRunParams) -> str:
    """Fit one rater and write its errors."""
    configure_torch(params.compute)
    histories, movies = (
        read_histories("data/sequences"),
        read_movie_inputs(f"data/ablation/vectors/{row.control_embedding}.parquet"),
    )
    found = experiment.run_experiment(row, seed, params, histories, movies)
    write_metrics(found, f"data/ablation/runs/{row.name}-{seed}.json")
    return f"validation RMSE {found['val_rmse']:.4f} stars"


if __name__ == "__main__":
    asked, number = experiment.Experiment(*sys.argv[2:]), int(sys.argv[1])
    files = (PARAMS_FILE, ABLATION_FILE)
    run_stage(f"ablation@{asked.name}-{number}", AblationRunParams, partial(main, asked, number), *files)

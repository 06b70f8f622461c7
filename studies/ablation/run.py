"""Run SEED ARCHITECTURE EMBEDDING [CONTROL] of the ablation: → data/ablation/runs/ROW-SEED.json."""

from __future__ import annotations

import sys
from functools import partial

from reelgraph.core.torch_setup import prepare
from reelgraph.params.ablation import ABLATION_FILE, AblationRunParams
from reelgraph.params.base import PARAMS_FILE
from reelgraph.raters.reading import read_known
from reelgraph.runtime.atomic_io import write_metrics
from reelgraph.runtime.stage_runner import run
from reelgraph.sequences.arrays import read_histories
from reelgraph.studies import ablation


def work(row: ablation.Row, seed: int, params: AblationRunParams) -> str:
    """Fit one rater and write its errors."""
    prepare(params.compute)
    histories, movies = (
        read_histories("data/histories"),
        read_known(f"data/ablation/vectors/{row.vectors}.parquet"),
    )
    found = ablation.run(row, seed, params, histories, movies)
    write_metrics(found, f"data/ablation/runs/{row.name}-{seed}.json")
    return f"validation RMSE {found['val_rmse']:.4f} stars"


if __name__ == "__main__":
    asked, number = ablation.Row(*sys.argv[2:]), int(sys.argv[1])
    files = (PARAMS_FILE, ABLATION_FILE)
    run(f"ablation@{asked.name}-{number}", AblationRunParams, partial(work, asked, number), *files)

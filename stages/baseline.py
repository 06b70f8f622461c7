"""Stage baseline@NAME: fit one baseline and write its predictions to data/baselines/NAME/."""

from __future__ import annotations

import sys
from functools import partial

from reelgraph.baselines.registry import fit_and_predict, load_baseline
from reelgraph.core.metrics import rmse
from reelgraph.params.evaluation import BaselineParams
from reelgraph.runtime.atomic_io import write_arrays
from reelgraph.runtime.stage_runner import record_timing, run_stage
from reelgraph.sequences.dataset import read_histories, star_ratings


def main(params: BaselineParams, name: str) -> str:
    """Predict the validation targets, and the test targets with both fits."""
    predict = load_baseline(name, params.baselines[name])
    histories = read_histories("data/sequences")
    predictions = fit_and_predict(predict, histories, partial(record_timing, f"baseline@{name}"))
    write_arrays(predictions, f"data/baselines/{name}")
    val_rmse = rmse(star_ratings(histories, histories.val), predictions["val"])
    return f"validation RMSE {val_rmse:.4f} stars"


if __name__ == "__main__":
    baseline_name = sys.argv[1]
    run_stage(f"baseline@{baseline_name}", BaselineParams, partial(main, name=baseline_name))

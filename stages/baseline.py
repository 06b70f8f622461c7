"""Stage baseline@NAME: histories → data/baselines/NAME/, its predictions of the targets."""

from __future__ import annotations

import sys
from functools import partial

from reelgraph.baselines.registry import fit_and_predict, load_baseline
from reelgraph.core.metrics import rmse
from reelgraph.params.evaluation import BaselineParams
from reelgraph.runtime.atomic_io import write_arrays
from reelgraph.runtime.stage_runner import record_timing, run_stage
from reelgraph.sequences.dataset import read_histories, star_ratings


def main(name: str, params: BaselineParams) -> str:
    """Predict the validation targets, and the test targets by either fit; write the predictions."""
    predict = load_baseline("reelgraph.baselines", name, params.baselines[name])
    histories = read_histories("data/sequences")
    found = fit_and_predict(predict, histories, partial(record_timing, f"baseline@{name}"))
    write_arrays(found, f"data/baselines/{name}")
    return f"validation RMSE {rmse(star_ratings(histories, histories.val), found['val']):.4f} stars"


if __name__ == "__main__":
    run_stage(f"baseline@{sys.argv[1]}", BaselineParams, partial(main, sys.argv[1]))

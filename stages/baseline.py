"""Stage baseline@NAME: histories → data/baselines/NAME/, its predictions of the targets."""

from __future__ import annotations

import sys
from functools import partial
from importlib import import_module

from reelgraph.door import run
from reelgraph.files import write_arrays
from reelgraph.histories.arrays import read_histories
from reelgraph.histories.batches import stars
from reelgraph.metrics import rmse
from reelgraph.params.baselines import BaselineParams


def work(name: str, params: BaselineParams) -> str:
    """Predict validation and test targets, write the predictions."""
    predict = import_module(f"reelgraph.baselines.{name}").predict
    histories = read_histories("data/histories")
    val = predict(histories, histories.val, params.baselines)
    test = predict(histories, histories.test, params.baselines)
    write_arrays({"val": val, "test": test}, f"data/baselines/{name}")
    return f"validation RMSE {rmse(stars(histories, histories.val), val):.4f} stars"


if __name__ == "__main__":
    run(f"baseline@{sys.argv[1]}", BaselineParams, partial(work, sys.argv[1]))

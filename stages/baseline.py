"""Stage baseline@NAME: histories → data/baselines/NAME/, its predictions of the targets."""

from __future__ import annotations

import sys
from functools import partial
from importlib import import_module
from typing import Any

from reelgraph.door import run
from reelgraph.files import write_arrays
from reelgraph.histories.arrays import FITS, read_histories
from reelgraph.histories.batches import stars
from reelgraph.metrics import rmse
from reelgraph.params.baselines import BaselineParams


def work(name: str, params: BaselineParams) -> str:
    """Predict the validation targets, and the test targets by either fit; write the predictions."""
    predict = import_module(f"reelgraph.baselines.{name}").predict
    histories = read_histories("data/histories")
    val = predict(histories, histories.fit_end("train"), histories.val, params.baselines)
    test: dict[str, Any] = {
        rows: predict(histories, histories.fit_end(rows), histories.test, params.baselines) for rows in FITS
    }
    write_arrays({"val": val, **test}, f"data/baselines/{name}")
    return f"validation RMSE {rmse(stars(histories, histories.val), val):.4f} stars"


if __name__ == "__main__":
    run(f"baseline@{sys.argv[1]}", BaselineParams, partial(work, sys.argv[1]))

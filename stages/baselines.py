"""Stage baselines: fit each baseline and write its predictions to data/baselines/NAME/."""

from __future__ import annotations

from functools import partial

from reelgraph.baselines.registry import fit_and_predict, load_baseline
from reelgraph.core.metrics import rmse
from reelgraph.params.evaluation import BaselineParams
from reelgraph.runtime.atomic_io import atomic_write, write_arrays
from reelgraph.runtime.stage_runner import record_timing, run_stage
from reelgraph.sequences.dataset import read_histories, star_ratings

STAGE = "baselines"


def main(params: BaselineParams) -> str:
    """Predict the validation targets, and the test targets with both fits."""
    baselines = {name: load_baseline(name, values) for name, values in params.baselines.items()}
    histories = read_histories("data/sequences")
    val_stars = star_ratings(histories, histories.val)
    val_rmse = {}
    with atomic_write("data/baselines") as folder:
        folder.mkdir()
        for name, predict in baselines.items():
            timer = partial(record_timing, f"{STAGE}/{name}")
            predictions = fit_and_predict(predict, histories, timer)
            write_arrays(predictions, folder / name)
            val_rmse[name] = rmse(val_stars, predictions["val"])
    best = min(val_rmse, key=lambda name: (val_rmse[name], name))
    return f"{len(val_rmse)} baselines; lowest validation RMSE {val_rmse[best]:.4f} stars, {best}"


if __name__ == "__main__":
    run_stage(STAGE, BaselineParams, main)

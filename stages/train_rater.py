"""Stage train_rater: histories, what is known of the movies → data/rater/, plots/rater/."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from reelgraph.compute import prepare
from reelgraph.door import run
from reelgraph.files import replacing, write_json
from reelgraph.histories.arrays import read_histories
from reelgraph.params.rater import RaterParams
from reelgraph.raters.curves import curves
from reelgraph.raters.fitting import fit_rater
from reelgraph.raters.reading import read_known


def work(params: RaterParams) -> str:
    """Fit the rater, write its weights, configuration and history."""
    prepare(params.compute)
    histories, movies = (
        read_histories("data/histories"),
        read_known(f"data/emb_{params.model.embedding}.parquet"),
    )
    with curves("plots/rater") as live:
        fitted = fit_rater(params, histories, movies, live.add)
    epochs: list[Any] = [asdict(epoch) for epoch in fitted.epochs]
    with replacing("data/rater") as folder:
        folder.mkdir()
        fitted.train.save(folder / "train.safetensors")
        fitted.train_val.save(folder / "train_val.safetensors")
        write_json(params.model_dump(include={"model", "gp"}), folder / "config.json")
        write_json({"best_epoch": fitted.best_epoch, "epochs": epochs}, folder / "history.json")
    return (
        f"{params.model.type}, {fitted.train.parameters:,} parameters, epoch {fitted.best_epoch} "
        f"of {len(epochs)}: validation RMSE {fitted.val_rmse:.4f} stars"
    )


if __name__ == "__main__":
    run("train_rater", RaterParams, work)

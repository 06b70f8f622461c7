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
from reelgraph.raters.fitting import Fitted, fit_rater
from reelgraph.raters.reading import read_known
from reelgraph.resuming import resumable


def work(params: RaterParams) -> str:
    """Fit the rater, write its weights, configuration and history."""
    prepare(params.compute)
    vectors = f"data/emb_{params.model.embedding}.parquet"
    movies = read_known(vectors)
    histories = read_histories("data/histories", len(movies.year))
    inputs = ["data/histories", vectors, "data/text_vectors.parquet", "data/kg", "data/movies.parquet"]
    with resumable("train_rater", params, inputs) as resume:
        with curves("plots/rater") as live:
            fitted = fit_rater(params, histories, movies, live.add, resume)
        epochs = _write(fitted, params)
    return (
        f"{params.model.type}, {fitted.train.parameters:,} parameters, epoch {fitted.best_epoch} "
        f"of {len(epochs)}: validation RMSE {fitted.val_rmse:.4f} stars"
    )


def _write(fitted: Fitted, params: RaterParams) -> list[Any]:
    epochs: list[Any] = [asdict(epoch) for epoch in fitted.epochs]
    with replacing("data/rater") as folder:
        folder.mkdir()
        fitted.train.save(folder / "train.safetensors")
        fitted.train_val.save(folder / "train_val.safetensors")
        write_json(params.model_dump(include={"model", "gp"}), folder / "config.json")
        write_json({"best_epoch": fitted.best_epoch, "epochs": epochs}, folder / "history.json")
    return epochs


if __name__ == "__main__":
    run("train_rater", RaterParams, work)

"""Stage train_rater: histories, movie embeddings → data/rater/, plots/rater/."""

from __future__ import annotations

from dataclasses import asdict

from reelgraph.compute import prepare
from reelgraph.door import run
from reelgraph.files import replacing, write_json
from reelgraph.histories.arrays import read_histories
from reelgraph.params.rater import RaterParams
from reelgraph.raters import building, training
from reelgraph.raters.curves import curves
from reelgraph.schemas.movies import read_movie_ids
from reelgraph.schemas.vectors import aligned, read_vectors


def work(params: RaterParams) -> str:
    """Train the rater, write its weights, configuration and history."""
    prepare(params.compute)
    model = params.model
    embedding_file = f"data/emb_{model.embedding}.parquet"
    movies = aligned(read_movie_ids("data/movies.parquet"), *read_vectors(embedding_file), embedding_file)
    histories = read_histories("data/histories")
    with curves("plots/rater") as live:
        trained = training.train(
            lambda: building.build(model, movies),
            histories, params.train, model.max_history, params.seed, live.add,
        )  # fmt: skip
    with replacing("data/rater") as folder:
        folder.mkdir()
        building.save(trained.rater, folder / "model.safetensors")
        write_json({"model": model.model_dump()}, folder / "config.json")
        write_json(
            {"best_epoch": trained.best.epoch, "epochs": [asdict(e) for e in trained.epochs]},
            folder / "history.json",
        )
    return (
        f"{model.type}, {building.parameters(trained.rater):,} parameters, epoch {trained.best.epoch} "
        f"of {len(trained.epochs)}: validation RMSE {trained.best.val_rmse:.4f} stars"
    )


if __name__ == "__main__":
    run("train_rater", RaterParams, work)

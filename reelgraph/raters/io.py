"""Reading of the raters' inputs, and saving and loading of fitted raters in data/rater/."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32

from reelgraph.core.schemas.kg import read_kg
from reelgraph.core.schemas.movies import read_movie_ids, read_movies, release_years
from reelgraph.core.schemas.records import read_record
from reelgraph.core.schemas.reports import write_curve
from reelgraph.core.schemas.vectors import read_aligned
from reelgraph.core.torch_setup import CPU
from reelgraph.params.model import RaterConfig, TrainRaterParams
from reelgraph.raters.fitting import FitResult
from reelgraph.raters.rater import Epoch, MovieInputs, Rater
from reelgraph.raters.registry import LoadVectors, find_rater
from reelgraph.runtime.atomic_io import RERUN_HINT, atomic_write, write_json
from reelgraph.runtime.errors import ArtifactError, ParamError
from reelgraph.runtime.safetensors_io import read_tensors
from reelgraph.sequences.dataset import Fit


def read_movie_inputs(vectors: str) -> MovieInputs:
    """Read movies, graph, text vectors and the movie vectors at ``vectors``, in row order."""
    table = read_movies("data/movies.parquet", ("movie_id", "release_year"))
    movie_ids = table["movie_id"].to_numpy()
    return MovieInputs(
        read_aligned(vectors, movie_ids),
        read_aligned("data/text_vectors.parquet", movie_ids),
        read_kg("data/kg"),
        release_years(table),
    )


def save_raters(result: FitResult, params: TrainRaterParams, folder: Path | str) -> None:
    """Write the weights of the fits, the rater's params and its learning curve."""
    epochs: list[Any] = [asdict(epoch) for epoch in result.epochs]
    with atomic_write(folder) as draft:
        draft.mkdir()
        result.train.save(draft / "train.safetensors")
        if result.train_val:
            result.train_val.save(draft / "train_val.safetensors")
        write_json(params.config().to_json(), draft / "config.json")
        write_json({"best_epoch": result.best_epoch, "epochs": epochs}, draft / "history.json")


def write_learning_curves(epochs: Sequence[Epoch], folder: Path | str) -> None:
    """Write ``train`` and ``val``, each with a file for each metric: loss.tsv, rmse.tsv, mae.tsv."""
    with atomic_write(folder) as draft:
        for field in fields(Epoch)[1:]:
            rows, metric = field.name.split("_")
            values = {epoch.epoch: getattr(epoch, field.name) for epoch in epochs}
            write_curve(metric, values, draft / rows / f"{metric}.tsv")


def load_rater(folder: str, rows: Fit, data: str = "data", device: torch.device = CPU) -> Rater:
    """Load the rater that stage train_rater fitted on ``rows``.

    Args:
        folder: what ``save_raters`` wrote.
        rows: selects the fit; ``train_val`` exists only if it is ``evaluate.fit``.
        data: the data folder, for the movie vectors.
        device: where it predicts, if the rater can compute there; else it does on the CPU.

    Raises:
        ArtifactError: files are missing, damaged, or do not belong together.
    """
    config = read_rater_config(folder)

    def load_vectors() -> Float32[np.ndarray, "movies dim"]:
        movie_ids = read_movie_ids(f"{data}/movies.parquet")
        return read_aligned(f"{data}/emb_{config.model.embedding}.parquet", movie_ids)

    return restore_rater(config, f"{folder}/{rows}.safetensors", load_vectors, device)


def restore_rater(
    config: RaterConfig,
    path: str,
    load_vectors: LoadVectors,
    device: torch.device = CPU,
    remedy: str = RERUN_HINT,
) -> Rater:
    """Build a rater from the weights at ``path``.

    Args:
        config: the rater's params.
        path: what the rater's ``save`` wrote.
        load_vectors: called by raters that do not save the movie vectors.
        device: where it predicts, if the rater can compute there; else it does on the CPU.
        remedy: what the error for weights of another rater proposes.

    Raises:
        ArtifactError: the weights are missing, damaged, or of another rater.
    """
    tensors = read_tensors(path)
    try:
        rater_type = find_rater(config.model.type)
        return rater_type.restore(tensors, config, load_vectors, rater_type.choose_device(device))
    except (RuntimeError, KeyError, TypeError, ValueError, IndexError) as error:
        raise ArtifactError(path, f"weights of the rater {config.model.type}",
                            str(error).splitlines()[0], remedy) from error  # fmt: skip


def read_rater_config(folder: str) -> RaterConfig:
    """Read a rater's params from its folder.

    Raises:
        ArtifactError: they are missing or damaged.
    """
    path = f"{folder}/config.json"
    config = read_record(path, RaterConfig)
    try:
        find_rater(config.model.type)
    except ParamError as error:
        raise ArtifactError(f"{path}: {error.where}", error.expected, error.got, RERUN_HINT) from None
    return config

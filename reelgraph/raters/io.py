"""From data/rater/ back to raters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import torch
from jaxtyping import Float32

from reelgraph.core.torch_setup import CPU
from reelgraph.params.base import Section
from reelgraph.params.model import Gp, Model, TrainRaterParams
from reelgraph.raters.fitting import FitResult, MovieInputs
from reelgraph.raters.gp import rater as gp
from reelgraph.raters.networks.network_rater import NetworkRater, restore
from reelgraph.raters.rater import Rater
from reelgraph.runtime.atomic_io import RERUN_HINT, atomic_write, write_json
from reelgraph.runtime.errors import ArtifactError
from reelgraph.runtime.safetensors_io import read_tensors
from reelgraph.schemas.kg import read_kg
from reelgraph.schemas.movies import read_movies
from reelgraph.schemas.records import read_record
from reelgraph.schemas.vectors import align_to, read_vectors
from reelgraph.sequences.dataset import Fit


class RaterConfig(Section):
    """config.json of a rater: what its weights belong to."""

    model: Model
    gp: Gp


def load_rater(folder: str, rows: Fit, data: str = "data", device: torch.device = CPU) -> Rater:
    """Load the rater that stage train_rater fitted on these rows; a network computes on the device.

    Raises:
        ArtifactError: files are missing, broken, or don't belong together.
    """
    config = read_rater_config(folder)
    vectors = f"{data}/emb_{config.model.embedding}.parquet"

    def movies() -> Float32[np.ndarray, "movies dim"]:
        from reelgraph.schemas.movies import read_movie_ids

        return align_to(read_movie_ids(f"{data}/movies.parquet"), *read_vectors(vectors), vectors)

    rater = restore_rater(config, f"{folder}/{rows}.safetensors", movies)
    return rater.to(device) if isinstance(rater, NetworkRater) else rater


def restore_rater(
    config: RaterConfig, path: str, movie_vectors: Callable[[], Float32[np.ndarray, "movies dim"]]
) -> Rater:
    """Build a rater from its weights at ``path``.

    Args:
        config: what the weights belong to.
        path: what the rater's ``save`` wrote.
        vectors: gives the movie vectors, in row order; asked by raters that don't keep them.

    Raises:
        ArtifactError: the weights are missing, broken, or of another rater.
    """
    tensors = read_tensors(path)
    try:
        if config.model.type == "gp":
            return gp.restore_rater(tensors, config.model, config.gp)
        return restore(tensors, config.model, movie_vectors())
    except (RuntimeError, KeyError, TypeError) as error:
        raise ArtifactError(path, f"weights of the rater {config.model.type}",
                            str(error).splitlines()[0], RERUN_HINT) from error  # fmt: skip


def read_rater_config(folder: str) -> RaterConfig:
    """Read a rater's configuration.

    Raises:
        ArtifactError: it is missing or not one.
    """
    return read_record(f"{folder}/config.json", RaterConfig)


def read_movie_inputs(vectors: str) -> MovieInputs:
    """Read movies, graph, text vectors and the movie vectors at ``vectors``, in row order."""
    table = read_movies("data/movies.parquet", ("movie_id", "release_year"))
    found, text = (
        align_to(table["movie_id"].to_numpy(), *read_vectors(path), path)
        for path in (vectors, "data/text_vectors.parquet")
    )
    return MovieInputs(found, text, read_kg("data/kg"), pc.cast(table["release_year"], "float64").to_numpy())


def save_raters(fitted: FitResult, params: TrainRaterParams, folder: Path | str) -> None:
    """Write both raters' weights, what they belong to, and how the first was fitted."""
    epochs: list[Any] = [asdict(epoch) for epoch in fitted.epochs]
    with atomic_write(folder) as draft:
        draft.mkdir()
        fitted.train.save(draft / "train.safetensors")
        fitted.train_val.save(draft / "train_val.safetensors")
        write_json(params.model_dump(include={"model", "gp"}), draft / "config.json")
        write_json({"best_epoch": fitted.best_epoch, "epochs": epochs}, draft / "history.json")

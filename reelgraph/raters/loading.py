"""From data/rater/ back to raters."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float32

from reelgraph.core.safetensors_io import read_tensors
from reelgraph.core.torch_setup import CPU
from reelgraph.params.base import Section
from reelgraph.params.gp import Gp
from reelgraph.params.rater import Model
from reelgraph.raters.gp import rater as gp
from reelgraph.raters.networks.network_rater import NeuralRater, restore
from reelgraph.raters.rater import Rater
from reelgraph.runtime.atomic_io import RERUN
from reelgraph.runtime.errors import ArtifactError
from reelgraph.schemas.records import read_record
from reelgraph.schemas.vectors import aligned, read_vectors
from reelgraph.sequences.arrays import Fit


class Config(Section):
    """config.json of a rater: what its weights belong to."""

    model: Model
    gp: Gp


def load_rater(folder: str, rows: Fit, data: str = "data", device: torch.device = CPU) -> Rater:
    """Load the rater that stage train_rater fitted on these rows; a network computes on the device.

    Raises:
        ArtifactError: files are missing, broken, or don't belong together.
    """
    config = read_config(folder)
    vectors = f"{data}/emb_{config.model.embedding}.parquet"

    def movies() -> Float32[np.ndarray, "movies dim"]:
        from reelgraph.schemas.movies import read_movie_ids  # by the table engine, which a bundle needs not

        return aligned(read_movie_ids(f"{data}/movies.parquet"), *read_vectors(vectors), vectors)

    rater = restored(config, f"{folder}/{rows}.safetensors", movies)
    return rater.to(device) if isinstance(rater, NeuralRater) else rater


def restored(config: Config, path: str, vectors: Callable[[], Float32[np.ndarray, "movies dim"]]) -> Rater:
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
            return gp.restore(tensors, config.model, config.gp)
        return restore(tensors, config.model, vectors())
    except (RuntimeError, KeyError, TypeError) as error:
        raise ArtifactError(path, f"weights of the rater {config.model.type}",
                            str(error).splitlines()[0], RERUN) from error  # fmt: skip


def read_config(folder: str) -> Config:
    """Read a rater's configuration.

    Raises:
        ArtifactError: it is missing or not one.
    """
    return read_record(f"{folder}/config.json", Config)

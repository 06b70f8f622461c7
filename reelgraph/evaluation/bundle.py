"""What evaluate reads of the rater and the baselines, and the model folder that it leaves."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from pydantic import ValidationError
from torch import nn

from reelgraph.errors import ArtifactError
from reelgraph.files import RERUN, read_array, read_json, replacing, write_metrics
from reelgraph.params.rater import Model
from reelgraph.raters import building
from reelgraph.schemas.movies import read_movie_ids
from reelgraph.schemas.vectors import aligned, read_vectors


def read_rater(folder: str, data: str = "data") -> tuple[nn.Module, Model]:
    """Load the rater that stage train_rater wrote, over the embedding that it was trained on.

    Raises:
        ArtifactError: files are missing or don't belong together.
    """
    config = read_json(f"{folder}/config.json")
    try:
        model = Model.model_validate(config.get("model"))
    except ValidationError as error:
        raise ArtifactError(f"{folder}/config.json", "a rater's configuration",
                            str(error).splitlines()[0], RERUN) from None  # fmt: skip
    path = f"{data}/emb_{model.embedding}.parquet"
    movies = aligned(read_movie_ids(f"{data}/movies.parquet"), *read_vectors(path), path)
    return building.load(model, movies, f"{folder}/model.safetensors"), model


def read_predictions(folder: str, names: Sequence[str], split: str, count: int) -> dict[str, np.ndarray]:
    """Read each baseline's predictions of the ``count`` targets of a split, in stars.

    Raises:
        ArtifactError: a baseline's file is missing or is about other targets.
    """
    found = {name: read_array(f"{folder}/{name}/{split}.npy") for name in names}
    for name, predicted in found.items():
        if predicted.shape != (count,):
            raise ArtifactError(f"{folder}/{name}/{split}.npy", f"{count} predictions",
                                f"shape {predicted.shape}", RERUN)  # fmt: skip
    return found


def read_truth(folder: str) -> dict[str, np.ndarray]:
    """Read what generated data knows of itself; empty for real data."""
    return {path.stem: read_array(path) for path in sorted(Path(folder).glob("*.npy"))}


def write_model(rater_folder: str, results: Mapping[str, object], folder: str) -> None:
    """Gather the final model: weights, configuration, training history and test results."""
    with replacing(folder) as draft:
        draft.mkdir()
        for name in ("model.safetensors", "config.json", "history.json"):
            shutil.copyfile(Path(rater_folder) / name, draft / name)
        write_metrics(results, draft / "test_results.json")

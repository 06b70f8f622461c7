"""Files that GNN stages read and write: movie features, models and training curves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.compute as pc
from jaxtyping import Float32, Float64, Int64

from reelgraph.core.schemas.kg import KnowledgeGraph
from reelgraph.core.schemas.movies import read_movies
from reelgraph.core.schemas.reports import write_curve
from reelgraph.core.schemas.vectors import align_to, read_vectors
from reelgraph.gnn.link_predictor import LinkPredictor
from reelgraph.gnn.sage import HeteroSage
from reelgraph.runtime.atomic_io import RERUN_HINT, atomic_write, read_json, write_json
from reelgraph.runtime.errors import ArtifactError, InputError
from reelgraph.runtime.safetensors_io import load_state_dict_strict, read_tensors, write_tensors

PROJECTED_PATH = Path("data/movie_features.parquet")
MOVIES_PATH = Path("data/movies.parquet")


def read_movie_features(
    variant: str, movie_ids: Int64[np.ndarray, " movies"]
) -> Float32[np.ndarray, "movies dim"]:
    """Read the movie features of a variant, in the order of ``movie_ids``.

    Raises:
        ArtifactError: the file is missing or holds other movies.
    """
    if variant == "kg_gnn_bert":
        return align_to(movie_ids, *read_vectors(PROJECTED_PATH), PROJECTED_PATH)
    movies = read_movies(MOVIES_PATH, ("movie_id", "release_year"))
    years = pc.cast(movies["release_year"], "float64").to_numpy()
    features = standardize_release_years(years)
    return align_to(movie_ids, movies["movie_id"].to_numpy(), features, MOVIES_PATH)


def check_dimensions(graph: KnowledgeGraph, features: Float32[np.ndarray, "movies dim"]) -> None:
    """Check that movies and entities have features of one dimension, which link prediction compares.

    Raises:
        InputError: the dimensions differ.
    """
    entity_dim = next(iter(graph.relations.values())).entity_vectors.shape[1]
    if features.shape[1] != entity_dim:
        raise InputError("projection.dim", f"{entity_dim}, the dimension of the entity embeddings",
                         f"{features.shape[1]}", f"Set projection.dim to {entity_dim}.")  # fmt: skip


def standardize_release_years(
    years: Float64[np.ndarray, " movies"], n_fitted: int | None = None
) -> Float32[np.ndarray, "movies 1"]:
    """Return release years with mean 0 and std 1; 0 for a missing year (docs/reference.md, build_kg).

    Args:
        years: calendar years; NaN if missing.
        n_fitted: number of leading movies that mean and std are of; None: all.
    """
    fitted = years[:n_fitted]
    present = fitted[~np.isnan(fitted)]
    std = present.std() if len(present) else 0.0
    if std == 0:
        return np.zeros((len(years), 1), np.float32)
    standardized = (years - present.mean()) / std
    return np.nan_to_num(standardized, nan=0.0).astype(np.float32)[:, None]


def write_model(model: HeteroSage | LinkPredictor, folder: Path | str) -> None:
    """Write ``model.safetensors``, and ``config.json`` with the arguments that construct the model."""
    with atomic_write(folder) as draft:
        draft.mkdir()
        write_tensors(model.state_dict(), draft / "model.safetensors")
        write_json({**model.config, "entity_types": list(model.entity_types)}, draft / "config.json")


def read_model(folder: Path | str) -> HeteroSage | LinkPredictor:
    """Read a model that ``write_model`` wrote.

    Raises:
        ArtifactError: a file is missing or damaged, or the files do not belong together.
    """
    config = dict(read_json(Path(folder) / "config.json"))
    tensors = read_tensors(Path(folder) / "model.safetensors")
    try:
        entity_types = tuple(config.pop("entity_types"))
        model_class = LinkPredictor if "dropout" in config else HeteroSage
        model = model_class(entity_types, **config)
        load_state_dict_strict(model, tensors)
    except (KeyError, RuntimeError, TypeError) as error:
        raise ArtifactError(str(folder), "a model of stage train_gnn", str(error).splitlines()[0],
                            RERUN_HINT) from error  # fmt: skip
    return model.eval()


def write_loss_curve(losses: list[float], path: Path | str) -> None:
    """Write the loss of each epoch, counted from 1, as TSV for ``dvc plots``."""
    write_curve("loss", dict(enumerate(losses, 1)), path)


def write_validation_curve(mrr: dict[int, float], path: Path | str) -> None:
    """Write the validation MRR of the evaluated epochs as TSV for ``dvc plots``."""
    write_curve("mrr", mrr, path)

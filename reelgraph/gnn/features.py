"""What the GNN knows of a movie before it looks at the graph: two variants."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.compute as pc
from jaxtyping import Float32, Float64, Int64

from reelgraph.schemas.movies import read_movies
from reelgraph.schemas.vectors import aligned, read_vectors

VARIANTS = ("kg_gnn_bert", "kg_gnn")
"""Projected text vectors; release year only."""

PROJECTED = Path("data/movie_features.parquet")
MOVIES = Path("data/movies.parquet")


def movie_features(
    variant: str, movie_ids: Int64[np.ndarray, " movies"]
) -> Float32[np.ndarray, "movies dim"]:
    """Read a variant's features in the order of ``movie_ids``.

    Raises:
        ArtifactError: the file is missing or holds other movies.
    """
    if variant == "kg_gnn_bert":
        return aligned(movie_ids, *read_vectors(PROJECTED), PROJECTED)
    movies = read_movies(MOVIES, ("movie_id", "release_year"))
    years = pc.cast(movies["release_year"], "float64").to_numpy()
    return aligned(movie_ids, movies["movie_id"].to_numpy(), release_year_feature(years), MOVIES)


def release_year_feature(years: Float64[np.ndarray, " movies"]) -> Float32[np.ndarray, "movies 1"]:
    """Return the release year, standardised over the known years; 0 where it is missing (SPEC, build_kg).

    Args:
        years: calendar years; NaN where unknown.
    """
    known = years[~np.isnan(years)]
    spread = known.std() if len(known) else 0.0
    if spread == 0:
        return np.zeros((len(years), 1), np.float32)
    standard = (years - known.mean()) / spread
    return np.nan_to_num(standard, nan=0.0).astype(np.float32)[:, None]

"""Stage project: project the text vectors to the dimension of the entity vectors."""

from __future__ import annotations

from pathlib import Path

from reelgraph.core.schemas.vectors import read_vectors, write_vectors
from reelgraph.core.torch_setup import configure_torch
from reelgraph.params.text import ProjectParams
from reelgraph.runtime.stage_runner import run_stage
from reelgraph.text.projection import project

VECTORS = Path("data/text_vectors.parquet")
FEATURES = Path("data/movie_features.parquet")


def main(params: ProjectParams) -> str:
    """Apply a fixed random projection to the text vectors; write the movie features."""
    configure_torch(params.compute)
    movie_ids, vectors = read_vectors(VECTORS)
    features = project(vectors, params.projection.dim, params.projection.seed)
    write_vectors(movie_ids, features, FEATURES)
    return f"{len(movie_ids):,} movies, {vectors.shape[1]} d → {features.shape[1]} d"


if __name__ == "__main__":
    run_stage("project", ProjectParams, main)

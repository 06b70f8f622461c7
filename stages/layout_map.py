"""Stage map EMBEDDING: movie vectors → data/map.parquet, places in the plane and nearest neighbours."""

from __future__ import annotations

import sys
from functools import partial

import numpy as np

from reelgraph.core.torch_setup import configure_torch
from reelgraph.embeddings.isotropy import MIN_NORM
from reelgraph.embeddings.neighbours import nearest_neighbours
from reelgraph.embeddings.pacmap import pacmap_layout
from reelgraph.params.graph import LayoutMapParams
from reelgraph.runtime.stage_runner import run_stage
from reelgraph.schemas.movies import read_movie_ids
from reelgraph.schemas.vectors import MapLayout, align_to, read_vectors, write_map_layout


def main(path: str, params: LayoutMapParams) -> str:
    """Find every movie's neighbours and place, write both."""
    configure_torch(
        params.compute, retain_freed_memory=False
    )  # the layout's arrays grow: kept, they took four times the memory
    movie_ids = read_movie_ids("data/movies.parquet")
    vectors = align_to(movie_ids, *read_vectors(path), path)
    wide = vectors.astype(np.float64)
    unit = wide / np.maximum(np.linalg.norm(wide, axis=1, keepdims=True), MIN_NORM)
    near = nearest_neighbours(unit, np.arange(len(unit)))
    places = pacmap_layout(unit.astype(np.float32), near, params.seed)
    write_map_layout(MapLayout(movie_ids, places[:, 0], places[:, 1], near), "data/map.parquet")
    return f"{len(unit):,} movies, {near.shape[1]} neighbours each"


if __name__ == "__main__":
    run_stage("layout_map", LayoutMapParams, partial(main, sys.argv[1]))

"""Stage layout_map EMBEDDING_FILE: lay the movies out in two dimensions and find their nearest neighbours."""

from __future__ import annotations

import sys
from functools import partial

import numpy as np

from reelgraph.core.schemas.movies import read_movie_ids
from reelgraph.core.schemas.vectors import MapLayout, read_aligned, write_map_layout
from reelgraph.core.torch_setup import configure_torch
from reelgraph.embeddings.isotropy import MIN_NORM
from reelgraph.embeddings.neighbours import nearest_neighbours
from reelgraph.embeddings.pacmap import pacmap_layout
from reelgraph.params.graph import LayoutMapParams
from reelgraph.runtime.stage_runner import run_stage


def main(params: LayoutMapParams, path: str) -> str:
    """Write the coordinates and the nearest neighbours of each movie to data/map.parquet."""
    # The arrays of the layout grow: retaining freed memory would take four times as much.
    configure_torch(params.compute, retain_freed_memory=False)
    movie_ids = read_movie_ids("data/movies.parquet")
    vectors = read_aligned(path, movie_ids)
    double = vectors.astype(np.float64)
    unit = double / np.maximum(np.linalg.norm(double, axis=1, keepdims=True), MIN_NORM)
    neighbours = nearest_neighbours(unit, np.arange(len(unit)))
    coordinates = pacmap_layout(unit.astype(np.float32), neighbours, params.seed)
    write_map_layout(
        MapLayout(movie_ids, coordinates[:, 0], coordinates[:, 1], neighbours), "data/map.parquet"
    )
    return f"{len(unit):,} movies, {neighbours.shape[1]} neighbours each"


if __name__ == "__main__":
    run_stage("layout_map", LayoutMapParams, partial(main, path=sys.argv[1]))

"""Stage map EMBEDDING: movie vectors → data/map.parquet, places in the plane and nearest neighbours."""

from __future__ import annotations

import sys
from functools import partial

import numpy as np

from reelgraph.core.torch_setup import prepare
from reelgraph.embeddings.cosines import MIN_NORM
from reelgraph.embeddings.layout import layout
from reelgraph.embeddings.neighbours import nearest
from reelgraph.params.map import MapParams
from reelgraph.runtime.stage_runner import run
from reelgraph.schemas.movie_map import MovieMap, write_map
from reelgraph.schemas.movies import read_movie_ids
from reelgraph.schemas.vectors import aligned, read_vectors


def work(path: str, params: MapParams) -> str:
    """Find every movie's neighbours and place, write both."""
    prepare(params.compute, keep=False)  # the layout's arrays grow: kept, they took four times the memory
    movie_ids = read_movie_ids("data/movies.parquet")
    vectors = aligned(movie_ids, *read_vectors(path), path)
    wide = vectors.astype(np.float64)
    unit = wide / np.maximum(np.linalg.norm(wide, axis=1, keepdims=True), MIN_NORM)
    near = nearest(unit, np.arange(len(unit)))
    places = layout(unit.astype(np.float32), near, params.seed)
    write_map(MovieMap(movie_ids, places[:, 0], places[:, 1], near), "data/map.parquet")
    return f"{len(unit):,} movies, {near.shape[1]} neighbours each"


if __name__ == "__main__":
    run("map", MapParams, partial(work, sys.argv[1]))

"""build_kg: from the movie table to entities and edges, without the names' vectors."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from bench.comparison_worker import SideResult
from bench.reference.knowledge_graph import knowledge_graph
from bench.synthetic_data import FULL_MOVIES, catalog
from reelgraph.core.schemas.movies import read_movies
from reelgraph.graph.entities import extract_entities_and_edges
from reelgraph.runtime.atomic_io import write_parquet

COUNTS = "movies"
GOAL = 50
SIZES = {"small": (1_000, 3_000, 10_000), "full": (6_000, 18_000, FULL_MOVIES)}


def prepare(folder: Path, size: int) -> None:
    """Write a movie table."""
    write_parquet(catalog(size), folder / "movies.parquet")


def reference(folder: Path, size: int) -> SideResult:
    """Go through the movies."""
    movies = pd.read_parquet(folder / "movies.parquet")
    start = time.perf_counter()
    entities, edges = knowledge_graph(movies)
    seconds = time.perf_counter() - start
    return SideResult([seconds], _arrays(zip(*entities, strict=True), zip(*edges, strict=True)))


def reelgraph(folder: Path, size: int) -> SideResult:
    """Build the tables, three times."""
    movies = read_movies(folder / "movies.parquet")
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        entities, edges = extract_entities_and_edges(movies)
        seconds.append(time.perf_counter() - start)
    columns = ([column.to_pylist() for column in table.columns] for table in (entities, edges))
    return SideResult(seconds, _arrays(*columns))


def _arrays(entities: Iterable[Sequence], edges: Iterable[Sequence]) -> dict[str, np.ndarray]:
    names = ("entity_type", "entity_index", "name"), ("edge_type", "movie_row", "edge_index")
    arrays: dict[str, np.ndarray] = {}
    for columns, table in zip(names, (entities, edges), strict=True):
        arrays |= {name: np.array(column) for name, column in zip(columns, table, strict=True)}
    return arrays


def check(reference: dict[str, np.ndarray], reelgraph: dict[str, np.ndarray]) -> None:
    """Same entities, same edges; the order of the types may differ."""
    for table in (("entity_type", "entity_index", "name"), ("edge_type", "movie_row", "edge_index")):
        sides = ((side[name].tolist() for name in table) for side in (reference, reelgraph))
        rows = [sorted(zip(*columns, strict=True)) for columns in sides]
        assert rows[0] == rows[1], f"{table[0]}: the sides differ"

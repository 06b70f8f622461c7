"""Entities and edges from the movie table."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from jaxtyping import Int64

from reelgraph.schemas.columns import ENTITY_COLUMNS
from reelgraph.schemas.kg import EDGES, ENTITIES


def extract_entities_and_edges(movies: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Return the entities and the movie→entity edges of a movie table.

    An entity is a distinct name within its type, after white-space runs are one
    space and both ends are stripped; its index is its place among the type's names,
    ordered by code points. A name twice in one movie gives one edge. A type
    without any edge is in neither table (SPEC, build_kg).

    Args:
        movies: a table with the columns of ``ENTITY_COLUMNS``, one row a movie; rows count from 0.

    Returns:
        Entities (schema ``ENTITIES``), ordered by type and index; edges (schema
        ``EDGES``), ordered by type, movie row and index.
    """
    # A catalogue fits into memory on any machine, and a table engine takes ten times as long.
    found = [_of_type(kind, movies.select(list(ENTITY_COLUMNS[kind]))) for kind in sorted(ENTITY_COLUMNS)]
    return pa.concat_tables([names for names, _ in found]), pa.concat_tables([edges for _, edges in found])


def _of_type(kind: str, cells: pa.Table) -> tuple[pa.Table, pa.Table]:
    names, place = _names(
        pa.chunked_array([c for column in cells.columns for c in column.chunks], pa.string())
    )
    named = np.flatnonzero(place >= 0)
    # A number for each pair of movie row and name: ascending by row, then index, each once.
    # Sorted in place of np.unique, which hashes first and takes five times as long.
    pairs = np.sort(named % cells.num_rows * len(names) + place[named])
    pairs = pairs[np.diff(pairs, prepend=-1) > 0]
    rows, index = np.divmod(pairs, max(len(names), 1))
    entities = [pa.repeat(kind, len(names)), pa.array(np.arange(len(names))), pa.array(names, pa.string())]
    edges = [pa.repeat(kind, len(rows)), pa.array(rows), pa.array(index)]
    return pa.table(entities, schema=ENTITIES), pa.table(edges, schema=EDGES)


def _names(cells: pa.ChunkedArray) -> tuple[list[str], Int64[np.ndarray, " cells"]]:
    """Return the distinct names in order, and the name of each cell; -1 where there is none."""
    coded = cells.combine_chunks().dictionary_encode()
    spelt = [" ".join(name.split()) for name in coded.dictionary.to_pylist()]
    names = sorted(set(spelt) - {""})
    place = {name: index for index, name in enumerate(names)}
    of_code = np.array([*(place.get(name, -1) for name in spelt), -1])
    return names, of_code[coded.indices.fill_null(len(spelt)).to_numpy()]

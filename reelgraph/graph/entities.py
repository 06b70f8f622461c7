"""Entities and edges from the movie table, as Ibis expressions: the same rows on DuckDB and on Spark."""

from __future__ import annotations

import tempfile
from functools import reduce

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
from ibis.backends import BaseBackend

from reelgraph.engine import collect, read_parquet
from reelgraph.files import write_parquet
from reelgraph.schemas.catalog import ENTITY_COLUMNS
from reelgraph.schemas.kg import EDGES, ENTITIES

WHITE_SPACE = (
    "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005"
    "\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)
"""Every white-space character of Unicode (``str.isspace``); the engines' own ``\\s`` know ASCII's only."""


def entities_and_edges(movies: pa.Table, connection: BaseBackend) -> tuple[pa.Table, pa.Table]:
    """Return the entities and the movie→entity edges of a movie table.

    An entity is a distinct name within its type, after white-space runs are one
    space and both ends are stripped; its index is its place among the type's names,
    ordered by code points. A name twice in one movie gives one edge. A type
    without any edge is in neither table (SPEC, build_kg).

    Args:
        movies: a table with the columns of ``ENTITY_COLUMNS``, one row a movie; rows count from 0.
        connection: an engine of ``reelgraph.engine``.

    Returns:
        Entities (schema ``ENTITIES``), ordered by type and index; edges (schema
        ``EDGES``), ordered by type, movie row and index.
    """
    columns = [column for group in ENTITY_COLUMNS.values() for column in group]
    rows = pa.array(np.arange(movies.num_rows))
    with tempfile.TemporaryDirectory(prefix="reelgraph-") as folder:
        # A file, because it is what both engines read without pandas; the row number has to be in it.
        write_parquet(movies.select(columns).append_column("movie_row", rows), f"{folder}/movies.parquet")
        edges = _indexed(_named(read_parquet(connection, f"{folder}/movies.parquet")))
        found = collect(edges.order_by("type", "movie_row", "entity_index"), "data/movies.parquet")
        names = edges.select(*ENTITIES.names).distinct().order_by("type", "entity_index")
        entities = collect(names, "data/movies.parquet")
    return entities.select(ENTITIES.names).cast(ENTITIES), found.select(EDGES.names).cast(EDGES)


def _named(movies: ir.Table) -> ir.Table:
    """Return (type, movie_row, name), each once, without blanks."""
    parts = [
        movies.select("movie_row", type=ibis.literal(kind), name=_normalised(movies[column]))
        for kind, columns in ENTITY_COLUMNS.items()
        for column in columns
    ]
    named = reduce(lambda left, right: left.union(right), parts)
    return named.filter(named.name != "").distinct()


def _normalised(name: ir.StringColumn) -> ir.StringColumn:
    return name.re_replace(f"[{WHITE_SPACE}]+", " ").strip()


def _indexed(named: ir.Table) -> ir.Table:
    order = ibis.window(group_by="type", order_by="name")
    return named.mutate(entity_index=ibis.dense_rank().over(order))

"""Edges that a run hides from what it learns, because it is judged by them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from enum import IntEnum
from pathlib import Path

import numpy as np
import pyarrow as pa
from jaxtyping import Int8

from reelgraph.core.seeds import generator
from reelgraph.runtime.atomic_io import write_parquet
from reelgraph.schemas.columns import ENTITY_COLUMNS
from reelgraph.schemas.kg import KnowledgeGraph

SUPERVISION_SHARE = 0.5
"""Of the training edges: those that are predicted while learning; over the others messages pass."""


class EdgeRole(IntEnum):
    """What an edge is for. The first two are training edges."""

    MESSAGE = 0
    SUPERVISION = 1
    VALIDATION = 2
    TEST = 3


EdgeRoles = Mapping[str, Int8[np.ndarray, "edges"]]
"""Entity type → the part of each edge, in the order of the relation's edges."""


def split_edges(graph: KnowledgeGraph, val_fraction: float, test_fraction: float, seed: int) -> EdgeRoles:
    """Give each edge one part, at random; the shares hold in each relation, rounded.

    Args:
        graph: all edges.
        val_share: of a relation's edges.
        test_share: of a relation's edges.
        seed: the root seed; each relation has a stream of its own.
    """
    parts = {}
    for kind, relation in graph.relations.items():
        edges = len(relation.entity_index)
        test, validation = round(test_fraction * edges), round(val_fraction * edges)
        supervision = round(SUPERVISION_SHARE * (edges - test - validation))
        sizes = [edges - test - validation - supervision, supervision, validation, test]
        role_codes = np.repeat(np.arange(4, dtype=np.int8), sizes)
        parts[kind] = generator(seed, f"links/{kind}").permutation(role_codes)
    return parts


def subgraph(graph: KnowledgeGraph, parts: EdgeRoles, *kept: EdgeRole) -> KnowledgeGraph:
    """Return the graph with all its nodes and the edges of the parts that are named."""
    relations = {}
    for kind, relation in graph.relations.items():
        mine = np.isin(parts[kind], kept)
        relations[kind] = replace(
            relation, movie_rows=relation.movie_rows[mine], entity_index=relation.entity_index[mine]
        )
    return KnowledgeGraph(graph.movie_ids, relations)


def write_edge_roles(graph: KnowledgeGraph, parts: EdgeRoles, path: Path | str) -> None:
    """Write the part of each edge: the columns of ``edges.parquet``, and ``part``."""
    names = [part.name.lower() for part in EdgeRole]
    tables = [
        pa.table({
            "type": pa.repeat(kind, len(relation.entity_index)),
            "movie_row": relation.movie_rows,
            "entity_index": relation.entity_index,
            "part": pa.array(names).take(pa.array(parts[kind])),
        })
        for kind, relation in graph.relations.items()
    ]  # fmt: skip
    write_parquet(pa.concat_tables(tables), path)


def mask_held_out_names(movies: pa.Table, graph: KnowledgeGraph) -> pa.Table:
    """Return the movie table without the names that the graph has as edges.

    A model of words that is trained on whole catalogue lines learns from them who worked with whom. For a
    run that holds these edges out, it has to be trained on lines that don't name them.

    Args:
        movies: with the columns of ``ENTITY_COLUMNS``, in the graph's row order.
        graph: of the edges to take out.
    """
    for kind, relation in graph.relations.items():
        named = np.array(relation.entity_names, dtype=object)[relation.entity_index]
        hidden = set(zip(relation.movie_rows.tolist(), named, strict=True))
        for column in ENTITY_COLUMNS[kind]:
            cells = movies[column].to_pylist()
            kept = [
                None if cell is not None and (row, " ".join(cell.split())) in hidden else cell
                for row, cell in enumerate(cells)
            ]
            place = movies.schema.get_field_index(column)
            movies = movies.set_column(place, movies.schema.field(column), pa.array(kept, pa.string()))
    return movies

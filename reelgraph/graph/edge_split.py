"""Random split of the edges into message, supervision, validation and test edges for link prediction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from enum import IntEnum
from pathlib import Path

import numpy as np
import pyarrow as pa
from jaxtyping import Int8

from reelgraph.core.schemas.columns import ENTITY_COLUMNS
from reelgraph.core.schemas.kg import KnowledgeGraph
from reelgraph.core.seeds import generator
from reelgraph.runtime.atomic_io import write_parquet

SUPERVISION_FRACTION = 0.5
"""Fraction of the training edges that are predicted in training. Messages pass over the others."""


class EdgeRole(IntEnum):
    """What an edge is used for. The first two roles are the training edges."""

    MESSAGE = 0
    SUPERVISION = 1
    VALIDATION = 2
    TEST = 3


EdgeRoles = Mapping[str, Int8[np.ndarray, "edges"]]
"""Entity type → role of each edge, in the order of the relation's edges."""


def split_edges(graph: KnowledgeGraph, val_fraction: float, test_fraction: float, seed: int) -> EdgeRoles:
    """Assign each edge one role at random. The fractions hold in each relation, up to rounding.

    Args:
        graph: all edges.
        val_fraction: fraction of a relation's edges held out for validation.
        test_fraction: fraction of a relation's edges held out for testing.
        seed: root seed. Each relation has its own stream of random numbers.
    """
    roles = {}
    for entity_type, relation in graph.relations.items():
        n_edges = len(relation.entity_index)
        n_test = round(test_fraction * n_edges)
        n_val = round(val_fraction * n_edges)
        n_supervision = round(SUPERVISION_FRACTION * (n_edges - n_test - n_val))
        sizes = [n_edges - n_test - n_val - n_supervision, n_supervision, n_val, n_test]
        ordered_roles = np.repeat(np.arange(4, dtype=np.int8), sizes)
        roles[entity_type] = generator(seed, f"links/{entity_type}").permutation(ordered_roles)
    return roles


def format_missing_roles(roles: EdgeRoles) -> str:
    """Name the relations that are too small for validation or test edges, for the summary line.

    A role that no relation has is not named.
    """
    parts = []
    for role in (EdgeRole.VALIDATION, EdgeRole.TEST):
        missing = [f"{entity_type} ({len(edges):,} edges)" for entity_type, edges in roles.items()
                   if role not in edges]  # fmt: skip
        if missing and len(missing) < len(roles):
            parts.append(f"; no {role.name.lower()} edge of {', '.join(missing)}")
    return "".join(parts)


def subgraph(graph: KnowledgeGraph, roles: EdgeRoles, *selected: EdgeRole) -> KnowledgeGraph:
    """Return the graph with all its nodes, but only the edges of the selected roles."""
    relations = {}
    for entity_type, relation in graph.relations.items():
        mask = np.isin(roles[entity_type], selected)
        relations[entity_type] = replace(
            relation, movie_rows=relation.movie_rows[mask], entity_index=relation.entity_index[mask]
        )
    return KnowledgeGraph(graph.movie_ids, relations)


def write_edge_roles(graph: KnowledgeGraph, roles: EdgeRoles, path: Path | str) -> None:
    """Write the role of each edge: the columns of ``edges.parquet``, and ``part``, the role's name."""
    role_names = pa.array([role.name.lower() for role in EdgeRole])
    tables = [
        pa.table({
            "type": pa.repeat(entity_type, len(relation.entity_index)),
            "movie_row": relation.movie_rows,
            "entity_index": relation.entity_index,
            "part": role_names.take(pa.array(roles[entity_type])),
        })
        for entity_type, relation in graph.relations.items()
    ]  # fmt: skip
    write_parquet(pa.concat_tables(tables), path)


def mask_held_out_names(movies: pa.Table, graph: KnowledgeGraph) -> pa.Table:
    """Return the movie table without the names that are edges of the graph.

    fastText trained on whole catalogue lines learns which names occur together. A run that holds out edges
    must therefore train it on lines that do not contain them.

    Args:
        movies: one row per movie, in the graph's order, with the columns of ``ENTITY_COLUMNS``.
        graph: the held-out edges.
    """
    for entity_type, relation in graph.relations.items():
        edge_names = np.array(relation.entity_names, dtype=object)[relation.entity_index]
        masked_pairs = set(zip(relation.movie_rows.tolist(), edge_names, strict=True))
        for column in ENTITY_COLUMNS[entity_type]:
            if column not in movies.column_names:
                continue
            masked = [
                None if cell is not None and (row, " ".join(cell.split())) in masked_pairs else cell
                for row, cell in enumerate(movies[column].to_pylist())
            ]
            position = movies.schema.get_field_index(column)
            field = movies.schema.field(column)
            movies = movies.set_column(position, field, pa.array(masked, pa.string()))
    return movies

"""The knowledge graph with movies that were not in the catalogue when it was built."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Float32

from reelgraph.core.schemas.kg import KnowledgeGraph, Relation
from reelgraph.graph.entities import extract_entities_and_edges

EmbedNames = Callable[[list[str]], Float32[np.ndarray, "names dim"]]
"""Returns the vectors of entity names."""


def append_movies(graph: KnowledgeGraph, movies: pa.Table, embed_names: EmbedNames) -> KnowledgeGraph:
    """Return the graph with further movies. Entities are known by their names; others get a new vector.

    Args:
        graph: built from the first rows of ``movies``.
        movies: movie_id and the columns of ``ENTITY_COLUMNS``. Types that ``graph`` lacks are left out.
        embed_names: called once, with the names that no entity of their type has; sorted.
    """
    entities, edges = extract_entities_and_edges(movies)
    names = {kind: _of_type(entities, kind)["name"].to_pylist() for kind in graph.relations}
    known = {
        kind: dict(zip(relation.entity_names, relation.entity_vectors, strict=True))
        for kind, relation in graph.relations.items()
    }
    unknown = sorted({name for kind in names for name in names[kind] if name not in known[kind]})
    new = dict(zip(unknown, embed_names(unknown), strict=True)) if unknown else {}
    relations = {}
    for kind in graph.relations:
        vectors = [(known[kind] if name in known[kind] else new)[name] for name in names[kind]]
        typed_edges = _of_type(edges, kind)
        relations[kind] = Relation(
            entity_names=tuple(names[kind]),
            entity_vectors=np.stack(vectors),
            movie_rows=typed_edges["movie_row"].to_numpy(),
            entity_index=typed_edges["entity_index"].to_numpy(),
        )
    return KnowledgeGraph(movies["movie_id"].to_numpy(), relations)


def _of_type(table: pa.Table, kind: str) -> pa.Table:
    return table.filter(pc.equal(table["type"], kind))

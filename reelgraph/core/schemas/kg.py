"""data/kg/: movies, entities of several types, edges from movies to entities, and entity embeddings.

The files are ``movie_ids.npy``, ``entities.parquet`` (type, entity_index, name), ``edges.parquet`` (type,
movie_row, entity_index) and ``entity_vectors.npy`` (one row per row of entities.parquet).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Float32, Int64
from scipy.sparse import csr_matrix

from reelgraph.core.schemas.artifacts import Violations, duplicated, read_with_schema
from reelgraph.core.schemas.columns import ENTITY_COLUMNS
from reelgraph.runtime.atomic_io import atomic_write, read_array, save_array, write_parquet

ENTITIES = pa.schema([("type", pa.string()), ("entity_index", pa.int64()), ("name", pa.string())])
EDGES = pa.schema([("type", pa.string()), ("movie_row", pa.int64()), ("entity_index", pa.int64())])


@dataclass(frozen=True)
class Relation:
    """The entities of one type, and their edges to movies."""

    entity_names: tuple[str, ...]
    """Unique names in code-point order; an entity's index is its position here."""
    entity_vectors: Float32[np.ndarray, "entities dim"]
    movie_rows: Int64[np.ndarray, " edges"]
    """The movie of each edge, ascending."""
    entity_index: Int64[np.ndarray, " edges"]
    """The entity of each edge; no edge occurs twice."""


@dataclass(frozen=True)
class KnowledgeGraph:
    """Movies and their entities: one relation for each entity type that occurs."""

    movie_ids: Int64[np.ndarray, " movies"]
    relations: dict[str, Relation]
    """Entity type → relation, in the order of ``ENTITY_COLUMNS``."""

    def entity_names(self) -> list[str]:
        """Return the names of all entities, type by type."""
        return [name for relation in self.relations.values() for name in relation.entity_names]

    def with_entity_vectors(self, vectors: Float32[np.ndarray, "entities dim"]) -> KnowledgeGraph:
        """Return the graph with other entity embeddings, in the order of ``entity_names``."""
        ends = np.cumsum([len(relation.entity_names) for relation in self.relations.values()])
        parts = np.split(vectors, ends[:-1])
        relations = {
            entity_type: replace(relation, entity_vectors=part)
            for (entity_type, relation), part in zip(self.relations.items(), parts, strict=True)
        }
        return replace(self, relations=relations)

    def entity_matrix(self, entity_types: Collection[str]) -> csr_matrix:
        """Return the indicators of the movies' entities of some types, movies × entities."""
        relations = [self.relations[name] for name in entity_types if name in self.relations]
        first = np.cumsum([0, *(len(relation.entity_names) for relation in relations)])
        empty = np.zeros(0, np.int64)
        movie = np.concatenate([empty, *(relation.movie_rows for relation in relations)])
        columns = [relation.entity_index + start for relation, start in zip(relations, first, strict=False)]
        entity = np.concatenate([empty, *columns])
        shape = (len(self.movie_ids), max(int(first[-1]), 1))
        return csr_matrix((np.ones(len(movie)), (movie, entity)), shape)

    def counts(self) -> dict[str, dict[str, int]]:
        """Return the number of nodes and edges per type. A relation is two edge types, one per direction."""
        nodes = {"movie": len(self.movie_ids)}
        edges = {}
        for entity_type, relation in self.relations.items():
            nodes[entity_type] = len(relation.entity_names)
            edges[f"has_{entity_type}"] = len(relation.entity_index)
            edges[f"has_{entity_type}_rev"] = len(relation.entity_index)
        return {"nodes": nodes, "edges": edges}


def write_kg(
    movie_ids: Int64[np.ndarray, " movies"],
    entities: pa.Table,
    edges: pa.Table,
    vectors: Float32[np.ndarray, "entities dim"],
    folder: Path | str,
) -> None:
    """Write the four files. The folder is replaced as a whole."""
    with atomic_write(folder) as temp_path:
        temp_path.mkdir()
        save_array(movie_ids, temp_path / "movie_ids.npy")
        save_array(vectors, temp_path / "entity_vectors.npy")
        write_parquet(entities.cast(ENTITIES), temp_path / "entities.parquet")
        write_parquet(edges.cast(EDGES), temp_path / "edges.parquet")


def read_kg(folder: Path | str) -> KnowledgeGraph:
    """Read the four files, and check that they fit together.

    Raises:
        ArtifactError: a file is missing, has another schema, or violates what ``Relation`` states.
    """
    folder = Path(folder)
    movie_ids = np.array(read_array(folder / "movie_ids.npy"))
    vectors = np.array(read_array(folder / "entity_vectors.npy"))
    entities = read_with_schema(folder / "entities.parquet", ENTITIES)
    edges = read_with_schema(folder / "edges.parquet", EDGES)
    violations = Violations(folder)
    is_id_vector = movie_ids.ndim == 1 and movie_ids.dtype == np.int64
    violations.check(is_id_vector, "movie_ids.npy not a vector of int64")
    is_matrix = vectors.ndim == 2 and len(vectors) == entities.num_rows and vectors.dtype == np.float32
    violations.check(is_matrix, "entity_vectors.npy not a float32 vector for each row of entities.parquet")
    types = {*pc.unique(entities["type"]).to_pylist(), *pc.unique(edges["type"]).to_pylist()}
    unknown = ", ".join(sorted(types - set(ENTITY_COLUMNS)))
    violations.check(not unknown, f"unknown types {unknown}")
    violations.raise_if_any()
    violations.check_rows(duplicated(movie_ids), "movie_ids.npy: a movie more than once", movie_ids)
    violations.check_rows(~np.isfinite(vectors).all(axis=1), "entity_vectors.npy: not finite")
    for entity_type in ENTITY_COLUMNS:
        _check_relation(entity_type, entities, edges, len(movie_ids), violations)
    violations.raise_if_any()
    relations = {
        entity_type: _relation(entity_type, entities, edges, vectors)
        for entity_type in ENTITY_COLUMNS
        if entity_type in types
    }
    return KnowledgeGraph(movie_ids, relations)


def _relation(entity_type: str, entities: pa.Table, edges: pa.Table, vectors: np.ndarray) -> Relation:
    mask = pc.equal(entities["type"], entity_type)
    typed_edges = edges.filter(pc.equal(edges["type"], entity_type))
    names = entities.filter(mask).sort_by("entity_index")["name"].to_pylist()
    return Relation(
        entity_names=tuple(names),
        entity_vectors=vectors[mask.to_numpy()],
        movie_rows=typed_edges["movie_row"].to_numpy(),
        entity_index=typed_edges["entity_index"].to_numpy(),
    )


def _check_relation(
    entity_type: str, entities: pa.Table, edges: pa.Table, movies: int, violations: Violations
) -> None:
    typed_entities = entities.filter(pc.equal(entities["type"], entity_type))
    typed_edges = edges.filter(pc.equal(edges["type"], entity_type))
    count = typed_entities.num_rows
    index = typed_entities["entity_index"].to_numpy()
    names = typed_entities["name"].to_numpy(zero_copy_only=False)
    movie_rows = typed_edges["movie_row"].to_numpy()
    edge_entities = typed_edges["entity_index"].to_numpy()

    def check_rows(violated: np.ndarray, message: str, values: np.ndarray) -> None:
        violations.check_rows(violated, f"{entity_type}: {message}", values)

    check_rows(index != np.arange(count), "entity_index not its position among the type's", index)
    check_rows(duplicated(names.astype(str)), "a name more than once", names)
    check_rows((movie_rows < 0) | (movie_rows >= movies), f"movie_row not below {movies:,}", movie_rows)
    out_of_range = (edge_entities < 0) | (edge_entities >= count)
    check_rows(out_of_range, f"entity_index not below {count:,}", edge_entities)
    check_rows(~np.isin(index, edge_entities), "an entity without an edge", names)
    order = np.lexsort((edge_entities, movie_rows))
    is_sorted = np.array_equal(order, np.arange(len(movie_rows)))
    violations.check(is_sorted, f"{entity_type}: edges not in order")
    repeats_previous = (np.diff(movie_rows) == 0) & (np.diff(edge_entities) == 0)
    check_rows(np.append(repeats_previous, False), "the same edge twice", movie_rows)


def shared_entities(graph: KnowledgeGraph, first: int, second: int) -> list[str]:
    """Return the names of the entities that two movies have in common, in the order of entity types.

    Args:
        graph: movies and entities.
        first: row of a movie.
        second: row of another movie.
    """
    names: list[str] = []
    for relation in graph.relations.values():
        common = np.intersect1d(_entities_of(relation, first), _entities_of(relation, second))
        names += [relation.entity_names[entity] for entity in common]
    return list(dict.fromkeys(names))


def _entities_of(relation: Relation, movie: int) -> np.ndarray:
    start, end = np.searchsorted(relation.movie_rows, [movie, movie + 1])
    return relation.entity_index[start:end]

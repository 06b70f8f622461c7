"""data/kg/: movies, entities by type, movie→entity edges, and a vector for each entity.

``movie_ids.npy``, ``entities.parquet`` (type, entity_index, name), ``edges.parquet`` (type,
movie_row, entity_index) and ``entity_vectors.npy`` (a row for each row of entities.parquet).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Float32, Int64

from reelgraph.runtime.atomic_io import atomic_write, read_array, save_array, write_parquet
from reelgraph.schemas.artifacts import Violations, duplicated, read_with_schema
from reelgraph.schemas.columns import ENTITY_COLUMNS

ENTITIES = pa.schema([("type", pa.string()), ("entity_index", pa.int64()), ("name", pa.string())])
EDGES = pa.schema([("type", pa.string()), ("movie_row", pa.int64()), ("entity_index", pa.int64())])


@dataclass(frozen=True)
class Relation:
    """The entities of one type, and the movies that have them."""

    entity_names: tuple[str, ...]
    """Distinct, in code-point order; an entity's index is its place here."""
    entity_vectors: Float32[np.ndarray, "entities dim"]
    movie_rows: Int64[np.ndarray, " edges"]
    """Ascending; with ``entities`` the edges, each once."""
    entity_index: Int64[np.ndarray, " edges"]


@dataclass(frozen=True)
class KnowledgeGraph:
    """Movies and what they have: one relation for each entity type that occurs."""

    movie_ids: Int64[np.ndarray, " movies"]
    relations: dict[str, Relation]
    """Entity type → relation, in the order of ``ENTITY_COLUMNS``."""

    def entity_names(self) -> list[str]:
        """Return the names of all entities, type by type."""
        return [name for relation in self.relations.values() for name in relation.entity_names]

    def with_entity_vectors(self, vectors: Float32[np.ndarray, "entities dim"]) -> KnowledgeGraph:
        """Return the graph with other entity vectors, in the order of ``names``."""
        ends = np.cumsum([len(relation.entity_names) for relation in self.relations.values()])
        parts = zip(self.relations.items(), np.split(vectors, ends[:-1]), strict=True)
        return replace(
            self, relations={k: replace(relation, entity_vectors=part) for (k, relation), part in parts}
        )

    def counts(self) -> dict[str, dict[str, int]]:
        """Count nodes per type and edges per type, both directions (14 edge types if no type is absent)."""
        nodes = {"movie": len(self.movie_ids)}
        edges = {}
        for kind, relation in self.relations.items():
            nodes[kind] = len(relation.entity_names)
            edges[f"has_{kind}"] = edges[f"has_{kind}_rev"] = len(relation.entity_index)
        return {"nodes": nodes, "edges": edges}


def write_kg(
    movie_ids: Int64[np.ndarray, " movies"],
    entities: pa.Table,
    edges: pa.Table,
    vectors: Float32[np.ndarray, "entities dim"],
    folder: Path | str,
) -> None:
    """Write the four files; the folder appears as a whole."""
    with atomic_write(folder) as draft:
        draft.mkdir()
        save_array(movie_ids, draft / "movie_ids.npy")
        save_array(vectors, draft / "entity_vectors.npy")
        write_parquet(entities.cast(ENTITIES), draft / "entities.parquet")
        write_parquet(edges.cast(EDGES), draft / "edges.parquet")


def read_kg(folder: Path | str) -> KnowledgeGraph:
    """Read the folder and check that its files fit together.

    Raises:
        ArtifactError: a file is missing, has another schema, or breaks what ``Relation`` says.
    """
    place = Path(folder)
    movie_ids = np.array(read_array(place / "movie_ids.npy"))
    vectors = np.array(read_array(place / "entity_vectors.npy"))
    entities = read_with_schema(place / "entities.parquet", ENTITIES)
    edges = read_with_schema(place / "edges.parquet", EDGES)
    wrong = Violations(place)
    wrong.check(movie_ids.ndim == 1 and movie_ids.dtype == np.int64, "movie_ids.npy not one int64 a movie")
    shaped = vectors.ndim == 2 and len(vectors) == entities.num_rows and vectors.dtype == np.float32
    wrong.check(shaped, "entity_vectors.npy not a float32 vector for each row of entities.parquet")
    kinds = {*pc.unique(entities["type"]).to_pylist(), *pc.unique(edges["type"]).to_pylist()}
    unknown = ", ".join(sorted(kinds - set(ENTITY_COLUMNS)))
    wrong.check(not unknown, f"unknown types {unknown}")
    wrong.raise_if_any()
    wrong.check_rows(duplicated(movie_ids), "movie_ids.npy: a movie more than once", movie_ids)
    wrong.check_rows(~np.isfinite(vectors).all(axis=1), "entity_vectors.npy: not finite")
    for kind in ENTITY_COLUMNS:
        _check_relation(kind, entities, edges, len(movie_ids), wrong)
    wrong.raise_if_any()
    relations = {k: _relation(k, entities, edges, vectors) for k in ENTITY_COLUMNS if k in kinds}
    return KnowledgeGraph(movie_ids, relations)


def _relation(kind: str, entities: pa.Table, edges: pa.Table, vectors: np.ndarray) -> Relation:
    mine = pc.equal(entities["type"], kind)
    of_kind = edges.filter(pc.equal(edges["type"], kind))
    names = entities.filter(mine).sort_by("entity_index")["name"].to_pylist()
    return Relation(tuple(names), vectors[mine.to_numpy()],
                    of_kind["movie_row"].to_numpy(), of_kind["entity_index"].to_numpy())  # fmt: skip


def _check_relation(kind: str, entities: pa.Table, edges: pa.Table, movies: int, wrong: Violations) -> None:
    mine, of_kind = (table.filter(pc.equal(table["type"], kind)) for table in (entities, edges))
    size, rows = mine.num_rows, of_kind["movie_row"].to_numpy()
    index, ends = mine["entity_index"].to_numpy(), of_kind["entity_index"].to_numpy()
    wrong.check_rows(index != np.arange(size), f"{kind}: entity_index not its place among the type's", index)
    names = mine["name"].to_numpy(zero_copy_only=False)
    wrong.check_rows(duplicated(names.astype(str)), f"{kind}: a name more than once", names)
    wrong.check_rows((rows < 0) | (rows >= movies), f"{kind}: movie_row not below {movies:,}", rows)
    wrong.check_rows((ends < 0) | (ends >= size), f"{kind}: entity_index not below {size:,}", ends)
    alone = ~np.isin(index, ends)
    wrong.check_rows(alone, f"{kind}: an entity without an edge", names)
    order = np.lexsort((ends, rows))
    wrong.check(np.array_equal(order, np.arange(len(rows))), f"{kind}: edges not in order")
    same = (np.diff(rows) == 0) & (np.diff(ends) == 0)
    wrong.check_rows(np.append(same, False), f"{kind}: the same edge twice", rows)


def shared_entities(graph: KnowledgeGraph, first: int, second: int) -> list[str]:
    """Return the names of the entities that both movies have, people before genres, countries, languages.

    Args:
        graph: movies and entities.
        first: row of a movie.
        second: row of another.
    """
    found: list[str] = []
    for relation in graph.relations.values():
        both = np.intersect1d(_entities(relation, first), _entities(relation, second))
        found += [name for name in (relation.entity_names[i] for i in both) if name not in found]
    return found


def _entities(relation: Relation, movie: int) -> np.ndarray:
    start, end = np.searchsorted(relation.movie_rows, [movie, movie + 1])
    return relation.entity_index[start:end]

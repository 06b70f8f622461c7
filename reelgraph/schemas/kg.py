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
import pyarrow.parquet as pq
from jaxtyping import Float32, Int64

from reelgraph.errors import ArtifactError
from reelgraph.files import RERUN, missing, read_array, replacing, write_parquet
from reelgraph.schemas.catalog import ENTITY_COLUMNS

ENTITIES = pa.schema([("type", pa.string()), ("entity_index", pa.int64()), ("name", pa.string())])
EDGES = pa.schema([("type", pa.string()), ("movie_row", pa.int64()), ("entity_index", pa.int64())])


@dataclass(frozen=True)
class Relation:
    """The entities of one type, and the movies that have them."""

    names: tuple[str, ...]
    """Distinct, in code-point order; an entity's index is its place here."""
    vectors: Float32[np.ndarray, "entities dim"]
    movie_rows: Int64[np.ndarray, " edges"]
    """Ascending; with ``entities`` the edges, each once."""
    entities: Int64[np.ndarray, " edges"]


@dataclass(frozen=True)
class KnowledgeGraph:
    """Movies and what they have: one relation for each entity type that occurs."""

    movie_ids: Int64[np.ndarray, " movies"]
    relations: dict[str, Relation]
    """Entity type → relation, in the order of ``ENTITY_COLUMNS``."""

    def names(self) -> list[str]:
        """Return the names of all entities, type by type."""
        return [name for relation in self.relations.values() for name in relation.names]

    def with_vectors(self, vectors: Float32[np.ndarray, "entities dim"]) -> KnowledgeGraph:
        """Return the graph with other entity vectors, in the order of ``names``."""
        ends = np.cumsum([len(relation.names) for relation in self.relations.values()])
        parts = zip(self.relations.items(), np.split(vectors, ends[:-1]), strict=True)
        return replace(self, relations={k: replace(relation, vectors=part) for (k, relation), part in parts})

    def counts(self) -> dict[str, dict[str, int]]:
        """Count nodes per type and edges per type, both directions (14 edge types if no type is absent)."""
        nodes = {"movie": len(self.movie_ids)}
        edges = {}
        for kind, relation in self.relations.items():
            nodes[kind] = len(relation.names)
            edges[f"has_{kind}"] = edges[f"has_{kind}_rev"] = len(relation.entities)
        return {"nodes": nodes, "edges": edges}


def write_kg(
    movie_ids: Int64[np.ndarray, " movies"],
    entities: pa.Table,
    edges: pa.Table,
    vectors: Float32[np.ndarray, "entities dim"],
    folder: Path | str,
) -> None:
    """Write the four files; the folder appears as a whole."""
    with replacing(folder) as draft:
        draft.mkdir()
        np.save(draft / "movie_ids.npy", movie_ids, allow_pickle=False)
        np.save(draft / "entity_vectors.npy", np.ascontiguousarray(vectors), allow_pickle=False)
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
    entities = _read_table(place / "entities.parquet", ENTITIES)
    edges = _read_table(place / "edges.parquet", EDGES)
    _check(movie_ids.ndim == 1 and movie_ids.dtype == np.int64, place / "movie_ids.npy", "one int64 a movie")
    _check(vectors.shape[:1] == (entities.num_rows,) and vectors.ndim == 2 and vectors.dtype == np.float32
           and bool(np.isfinite(vectors).all()), place / "entity_vectors.npy",
           "a finite float32 vector for each row of entities.parquet")  # fmt: skip
    present = set(pc.unique(entities["type"]).to_pylist())
    kinds = present | set(pc.unique(edges["type"]).to_pylist())
    _check(kinds <= set(ENTITY_COLUMNS), place, f"the entity types {', '.join(ENTITY_COLUMNS)}")
    relations = {k: _relation(k, entities, edges, vectors) for k in ENTITY_COLUMNS if k in kinds}
    for kind, relation in relations.items():
        _check_relation(relation, len(movie_ids), f"{place}: {kind}")
    return KnowledgeGraph(movie_ids, relations)


def _read_table(path: Path, schema: pa.Schema) -> pa.Table:
    try:
        table = pq.read_table(path)
    except FileNotFoundError:
        raise missing(path) from None
    except (pa.ArrowException, OSError) as error:
        raise ArtifactError(str(path), "a parquet file", str(error).splitlines()[0], RERUN) from error
    _check(table.schema.equals(schema), path, f"columns {', '.join(schema.names)}")
    _check(not any(column.null_count for column in table.columns), path, "no null")
    return table


def _relation(kind: str, entities: pa.Table, edges: pa.Table, vectors: np.ndarray) -> Relation:
    mine = pc.equal(entities["type"], kind)
    of_kind = edges.filter(pc.equal(edges["type"], kind))
    names = entities.filter(mine).sort_by("entity_index")["name"].to_pylist()
    return Relation(tuple(names), vectors[mine.to_numpy()],
                    of_kind["movie_row"].to_numpy(), of_kind["entity_index"].to_numpy())  # fmt: skip


def _check_relation(relation: Relation, movies: int, where: str) -> None:
    rows, entities, size = relation.movie_rows, relation.entities, len(relation.names)
    _check(bool((rows >= 0).all() and (rows < movies).all()), where, f"movie rows below {movies:,}")
    _check(np.array_equal(np.unique(entities), np.arange(size)), where, f"edges of all {size:,} entities")
    _check(bool((np.diff(rows * size + entities) > 0).all()), where, "each edge once, in order")


def _check(holds: bool, where: Path | str, expected: str) -> None:
    if not holds:
        raise ArtifactError(str(where), expected, "something else", RERUN)

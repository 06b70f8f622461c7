from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reelgraph.core.schemas.kg import (
    EDGES,
    ENTITIES,
    KnowledgeGraph,
    Relation,
    read_kg,
    shared_entities,
    write_kg,
)
from reelgraph.runtime.errors import ArtifactError

ENTITY_ROWS = [("actor", 0, "Ann"), ("actor", 1, "Bo"), ("genre", 0, "Drama")]
EDGE_ROWS = [("actor", 0, 0), ("actor", 2, 0), ("actor", 2, 1), ("genre", 1, 0)]


def to_table(rows: list[tuple], schema: pa.Schema) -> pa.Table:
    return pa.table([list(column) for column in zip(*rows, strict=True)], schema=schema)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    vectors = np.arange(6, dtype=np.float32).reshape(3, 2)
    entities = to_table(ENTITY_ROWS, ENTITIES)
    edges = to_table(EDGE_ROWS, EDGES)
    write_kg(np.array([7, 5, 9]), entities, edges, vectors, tmp_path / "kg")
    return tmp_path / "kg"


def test_read_kg_returns_what_write_kg_wrote(folder: Path) -> None:
    graph = read_kg(folder)
    assert graph.movie_ids.tolist() == [7, 5, 9]
    assert list(graph.relations) == ["actor", "genre"]
    assert graph.relations["actor"].entity_names == ("Ann", "Bo")
    assert graph.relations["actor"].movie_rows.tolist() == [0, 2, 2]
    assert graph.relations["actor"].entity_index.tolist() == [0, 0, 1]
    assert graph.relations["genre"].entity_vectors.tolist() == [[4, 5]]
    assert graph.counts() == {
        "nodes": {"movie": 3, "actor": 2, "genre": 1},
        "edges": {"has_actor": 3, "has_actor_rev": 3, "has_genre": 1, "has_genre_rev": 1},
    }


@pytest.mark.parametrize(
    ("edge_rows", "message"),
    [
        ([*EDGE_ROWS[:3], ("genre", 3, 0)], "genre: movie_row not below 3 in 1 row, first at row 1"),
        ([EDGE_ROWS[0], EDGE_ROWS[1], EDGE_ROWS[3]], "an entity without an edge in 1 row"),
        ([EDGE_ROWS[1], EDGE_ROWS[0], *EDGE_ROWS[2:]], "edges not in order"),
        ([EDGE_ROWS[0], EDGE_ROWS[0], *EDGE_ROWS[1:]], "the same edge twice in 1 row"),
        ([*EDGE_ROWS, ("gaffer", 0, 0)], "unknown types gaffer"),
    ],
)
def test_read_kg_rejects_inconsistent_edges(folder: Path, edge_rows: list[tuple], message: str) -> None:
    pq.write_table(to_table(edge_rows, EDGES), folder / "edges.parquet")
    with pytest.raises(ArtifactError, match=message):
        read_kg(folder)


@pytest.mark.parametrize("name", ["movie_ids.npy", "entity_vectors.npy", "entities.parquet", "edges.parquet"])
def test_read_kg_rejects_missing_and_damaged_files(folder: Path, name: str) -> None:
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(ArtifactError, match=name):
        read_kg(folder)
    (folder / name).unlink()
    with pytest.raises(ArtifactError, match="made by an earlier stage, got no file"):
        read_kg(folder)


@pytest.mark.parametrize(
    "vectors", [np.zeros((2, 2), np.float32), np.zeros((3, 2)), np.full((3, 2), np.nan, "f4")]
)
def test_read_kg_rejects_unsuitable_vectors(folder: Path, vectors: np.ndarray) -> None:
    np.save(folder / "entity_vectors.npy", vectors)
    message = r"entity_vectors.npy(: not finite in 3 rows| not a float32 vector for each row)"
    with pytest.raises(ArtifactError, match=message):
        read_kg(folder)


def test_shared_entities_lists_each_common_name_once() -> None:
    vectors = np.ones((3, 2), np.float32)
    actor = Relation(("Ann", "Bo", "Cy"), vectors, np.array([0, 0, 1, 1, 3]), np.array([0, 1, 1, 2, 0]))
    writer = Relation(("Bo",), vectors[:1], np.array([0, 1]), np.array([0, 0]))
    genre = Relation(("Crime", "Drama"), vectors[:2], np.array([0, 1, 2]), np.array([1, 1, 0]))
    graph = KnowledgeGraph(np.arange(4), {"actor": actor, "writer": writer, "genre": genre})
    assert shared_entities(graph, 0, 1) == ["Bo", "Drama"]
    assert shared_entities(graph, 0, 3) == ["Ann"]
    assert shared_entities(graph, 2, 3) == []

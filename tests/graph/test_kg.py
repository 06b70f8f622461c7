from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reelgraph.runtime.errors import ArtifactError
from reelgraph.schemas.kg import EDGES, ENTITIES, read_kg, write_kg

ROWS = [("actor", 0, "Ann"), ("actor", 1, "Bo"), ("genre", 0, "Drama")]
LINKS = [("actor", 0, 0), ("actor", 2, 0), ("actor", 2, 1), ("genre", 1, 0)]


def rows(values: list[tuple], schema: pa.Schema) -> pa.Table:
    return pa.table([list(column) for column in zip(*values, strict=True)], schema=schema)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    vectors = np.arange(6, dtype=np.float32).reshape(3, 2)
    write_kg(np.array([7, 5, 9]), rows(ROWS, ENTITIES), rows(LINKS, EDGES), vectors, tmp_path / "kg")
    return tmp_path / "kg"


def test_what_is_written_is_read(folder: Path) -> None:
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
    ("links", "said"),
    [
        ([*LINKS[:3], ("genre", 3, 0)], "genre: movie_row not below 3 in 1 row, first at row 1"),
        ([LINKS[0], LINKS[1], LINKS[3]], "an entity without an edge in 1 row"),
        ([LINKS[1], LINKS[0], *LINKS[2:]], "edges not in order"),
        ([LINKS[0], LINKS[0], *LINKS[1:]], "the same edge twice in 1 row"),
        ([*LINKS, ("gaffer", 0, 0)], "unknown types gaffer"),
    ],
)
def test_edges_that_do_not_fit_are_refused(folder: Path, links: list[tuple], said: str) -> None:
    pq.write_table(rows(links, EDGES), folder / "edges.parquet")
    with pytest.raises(ArtifactError, match=said):
        read_kg(folder)


@pytest.mark.parametrize("name", ["movie_ids.npy", "entity_vectors.npy", "entities.parquet", "edges.parquet"])
def test_missing_and_damaged_files_are_refused(folder: Path, name: str) -> None:
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ArtifactError, match=name):
        read_kg(folder)
    (folder / name).unlink()
    with pytest.raises(ArtifactError, match="made by an earlier stage, got no file"):
        read_kg(folder)


@pytest.mark.parametrize(
    "vectors", [np.zeros((2, 2), np.float32), np.zeros((3, 2)), np.full((3, 2), np.nan, "f4")]
)
def test_vectors_that_do_not_fit_are_refused(folder: Path, vectors: np.ndarray) -> None:
    np.save(folder / "entity_vectors.npy", vectors)
    with pytest.raises(
        ArtifactError, match=r"entity_vectors.npy(: not finite in 3 rows| not a float32 vector for each row)"
    ):
        read_kg(folder)

"""Vector files: one row a movie, ``movieId`` and ``embedding`` (list of float32), finite."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from jaxtyping import Float32, Int64

from reelgraph.runtime.atomic_io import write_parquet
from reelgraph.schemas.artifacts import SHOWN_ROWS, Violations, duplicated, read_with_schema

VECTOR_SCHEMA = pa.schema([("movieId", pa.int64()), ("embedding", pa.list_(pa.float32()))])
BATCH_ROWS = 1 << 14


def write_vectors(
    movie_ids: Int64[np.ndarray, " movies"],
    vectors: Float32[np.ndarray, "movies dim"],
    path: Path | str,
) -> None:
    """Write one vector a movie, in the given order."""
    write_parquet(_batches(movie_ids, vectors), path, VECTOR_SCHEMA)


def _batches(movie_ids: np.ndarray, vectors: np.ndarray) -> Iterator[pa.RecordBatch]:
    dim = vectors.shape[1]
    for start in range(0, len(movie_ids), BATCH_ROWS):
        part = np.ascontiguousarray(vectors[start : start + BATCH_ROWS])
        offsets = np.arange(len(part) + 1, dtype=np.int32) * dim
        lists = pa.ListArray.from_arrays(pa.array(offsets), pa.array(part.reshape(-1)))
        ids = pa.array(movie_ids[start : start + BATCH_ROWS])
        yield pa.record_batch([ids, lists], schema=VECTOR_SCHEMA)


def read_vectors(
    path: Path | str,
) -> tuple[Int64[np.ndarray, " movies"], Float32[np.ndarray, "movies dim"]]:
    """Read a vector file.

    Raises:
        ArtifactError: missing, not this schema, empty, ragged, a movie missing or twice, not finite.
    """
    table = read_with_schema(path, VECTOR_SCHEMA)
    lists, wrong = table["embedding"].combine_chunks(), Violations(path)
    lengths = lists.value_lengths().to_numpy(zero_copy_only=False)
    dim = int(np.bincount(lengths).argmax())
    wrong.check_rows((lengths != dim) | (lengths == 0), f"embedding not of dimension {max(dim, 1)}", lengths)
    wrong.raise_if_any()
    movie_ids = table["movieId"].to_numpy()
    # A number that is missing becomes NaN.
    vectors = lists.flatten().to_numpy(zero_copy_only=False).reshape(len(lists), dim).astype(np.float32)
    wrong.check_rows(duplicated(movie_ids), "movieId more than once", movie_ids)
    wrong.check_rows(~np.isfinite(vectors).all(axis=1), "embedding not finite", movie_ids)
    wrong.raise_if_any()
    return movie_ids, vectors


def align_to(
    movie_ids: Int64[np.ndarray, " movies"],
    vector_ids: Int64[np.ndarray, " found"],
    vectors: Float32[np.ndarray, "found dim"],
    path: Path | str,
) -> Float32[np.ndarray, "movies dim"]:
    """Return the vectors in the row order of ``movie_ids``.

    Raises:
        ArtifactError: the two files don't hold the same movies.
    """
    wrong = Violations(path)
    wrong.check_rows(~np.isin(vector_ids, movie_ids), "movieId not in data/movies.parquet", vector_ids)
    lacking = np.setdiff1d(movie_ids, vector_ids)
    wrong.check(not len(lacking), f"{len(lacking):,} movies of data/movies.parquet missing, "
               f"such as movieId {', '.join(map(str, lacking[:SHOWN_ROWS]))}")  # fmt: skip
    wrong.raise_if_any()
    order = np.argsort(vector_ids, kind="stable")
    return vectors[order[np.searchsorted(vector_ids[order], movie_ids)]]


LAYOUT_SCHEMA = pa.schema(
    [
        ("movieId", pa.int64()),
        ("x", pa.float32()),
        ("y", pa.float32()),
        ("neighbours", pa.list_(pa.int64())),
    ]
)


@dataclass(frozen=True)
class MapLayout:
    """All movies in the plane, in the row order of movies.parquet."""

    movie_ids: Int64[np.ndarray, " movies"]
    x: Float32[np.ndarray, " movies"]
    y: Float32[np.ndarray, " movies"]
    neighbours: Int64[np.ndarray, "movies k"]
    """Rows of the nearest movies, the nearest first. The file has their movieIds."""


def write_map_layout(placed: MapLayout, path: Path | str) -> None:
    """Write the map."""
    near = placed.movie_ids[placed.neighbours]
    offsets = np.arange(len(near) + 1, dtype=np.int32) * near.shape[1]
    lists = pa.ListArray.from_arrays(pa.array(offsets), pa.array(near.reshape(-1)))
    write_parquet(pa.table([placed.movie_ids, placed.x, placed.y, lists], schema=LAYOUT_SCHEMA), path)


def read_map_layout(path: Path | str) -> MapLayout:
    """Read the map.

    Raises:
        ArtifactError: missing, not this schema, a movie twice, a place not finite, or a neighbour that is
            no movie of the file.
    """
    table = read_with_schema(path, LAYOUT_SCHEMA)
    wrong, lists = Violations(path), table["neighbours"].combine_chunks()
    lengths = lists.value_lengths().to_numpy(zero_copy_only=False)
    wrong.check_rows(np.diff(lengths, prepend=lengths[:1]) != 0, "neighbours not as many as before", lengths)
    wrong.check(not lists.values.null_count, "a neighbour missing")
    wrong.raise_if_any()
    ids, near = table["movieId"].to_numpy(), lists.flatten().to_numpy().reshape(len(table), -1)
    x, y = table["x"].to_numpy(), table["y"].to_numpy()
    wrong.check_rows(duplicated(ids), "movieId more than once", ids)
    wrong.check_rows((~np.isfinite(np.stack([x, y]))).any(axis=0), "x or y not finite", ids)
    strangers = np.asarray((~np.isin(near, ids)).any(axis=1))
    wrong.check_rows(strangers, "neighbours not in the file", ids)
    wrong.raise_if_any()
    order = np.argsort(ids, kind="stable")
    return MapLayout(ids, x, y, order[np.searchsorted(ids[order], near)])

"""Files with one row per movie: vectors (emb_*.parquet and others), and the map layout (map.parquet)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from jaxtyping import Float, Float32, Int64

from reelgraph.core.schemas.artifacts import MAX_SHOWN_ROWS, Violations, duplicated, read_with_schema
from reelgraph.runtime.atomic_io import write_parquet

VECTOR_SCHEMA = pa.schema([("movieId", pa.int64()), ("embedding", pa.list_(pa.float32()))])
BATCH_ROWS = 1 << 14

MIN_LENGTH = 1e-9
"""Vectors that are shorter, such as those of zeros, stay shorter than 1."""

LAYOUT_SCHEMA = pa.schema(
    [
        ("movieId", pa.int64()),
        ("x", pa.float32()),
        ("y", pa.float32()),
        ("neighbours", pa.list_(pa.int64())),
    ]
)


def write_vectors(
    movie_ids: Int64[np.ndarray, " movies"],
    vectors: Float32[np.ndarray, "movies dim"],
    path: Path | str,
) -> None:
    """Write one vector per movie, in the order given."""
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
    """Read movie ids and vectors.

    Raises:
        ArtifactError: the file is missing, empty or of another schema, a movie is missing or duplicated, or
            vectors differ in dimension or are not finite.
    """
    table = read_with_schema(path, VECTOR_SCHEMA)
    lists = table["embedding"].combine_chunks()
    violations = Violations(path)
    lengths = lists.value_lengths().to_numpy(zero_copy_only=False)
    dim = int(np.bincount(lengths).argmax())
    other_dim = (lengths != dim) | (lengths == 0)
    violations.check_rows(other_dim, f"embedding not of dimension {max(dim, 1)}", lengths)
    violations.raise_if_any()
    movie_ids = table["movieId"].to_numpy()
    # Null becomes NaN.
    vectors = lists.flatten().to_numpy(zero_copy_only=False).reshape(len(lists), dim).astype(np.float32)
    violations.check_rows(duplicated(movie_ids), "movieId more than once", movie_ids)
    violations.check_rows(~np.isfinite(vectors).all(axis=1), "embedding not finite", movie_ids)
    violations.raise_if_any()
    return movie_ids, vectors


def read_aligned(
    path: Path | str, movie_ids: Int64[np.ndarray, " movies"]
) -> Float32[np.ndarray, "movies dim"]:
    """Read vectors in the row order of ``movie_ids``, the ids of movies.parquet.

    Raises:
        ArtifactError: as ``read_vectors``, or the two files do not have the same movies.
    """
    return align_to(movie_ids, *read_vectors(path), path)


def align_to(
    movie_ids: Int64[np.ndarray, " movies"],
    vector_ids: Int64[np.ndarray, " vectors"],
    vectors: Float32[np.ndarray, "vectors dim"],
    path: Path | str,
) -> Float32[np.ndarray, "movies dim"]:
    """Return the vectors in the row order of ``movie_ids``.

    Args:
        movie_ids: ids of movies.parquet.
        vector_ids: the movie of each vector.
        vectors: one per row.
        path: where the vectors were read from, for errors.

    Raises:
        ArtifactError: the two files do not have the same movies.
    """
    violations = Violations(path)
    unknown = ~np.isin(vector_ids, movie_ids)
    violations.check_rows(unknown, "movieId not in data/movies.parquet", vector_ids)
    missing = np.setdiff1d(movie_ids, vector_ids)
    examples = ", ".join(map(str, missing[:MAX_SHOWN_ROWS]))
    violations.check(
        not len(missing),
        f"{len(missing):,} movies of data/movies.parquet missing, such as movieId {examples}",
    )
    violations.raise_if_any()
    order = np.argsort(vector_ids, kind="stable")
    return vectors[order[np.searchsorted(vector_ids[order], movie_ids)]]


def unit_rows(vectors: Float[np.ndarray, "n dim"]) -> Float[np.ndarray, "n dim"]:
    """Return the vectors, one per row, scaled to a length of 1."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), MIN_LENGTH)


@dataclass(frozen=True)
class MapLayout:
    """All movies in two dimensions, in the row order of movies.parquet."""

    movie_ids: Int64[np.ndarray, " movies"]
    x: Float32[np.ndarray, " movies"]
    y: Float32[np.ndarray, " movies"]
    neighbours: Int64[np.ndarray, "movies k"]
    """Rows of the nearest movies by cosine, the nearest first. The file has their movieIds."""


def write_map_layout(layout: MapLayout, path: Path | str) -> None:
    """Write the map layout."""
    neighbour_ids = layout.movie_ids[layout.neighbours]
    offsets = np.arange(len(neighbour_ids) + 1, dtype=np.int32) * neighbour_ids.shape[1]
    lists = pa.ListArray.from_arrays(pa.array(offsets), pa.array(neighbour_ids.reshape(-1)))
    write_parquet(pa.table([layout.movie_ids, layout.x, layout.y, lists], schema=LAYOUT_SCHEMA), path)


def read_map_layout(path: Path | str) -> MapLayout:
    """Read the map layout.

    Raises:
        ArtifactError: the file is missing or of another schema, a movie is duplicated, a coordinate is not
            finite, or a neighbour is not a movie of the file.
    """
    table = read_with_schema(path, LAYOUT_SCHEMA)
    lists = table["neighbours"].combine_chunks()
    violations = Violations(path)
    lengths = lists.value_lengths().to_numpy(zero_copy_only=False)
    other_length = np.diff(lengths, prepend=lengths[:1]) != 0
    violations.check_rows(other_length, "neighbours not as many as before", lengths)
    violations.check(not lists.values.null_count, "a neighbour missing")
    violations.raise_if_any()
    movie_ids = table["movieId"].to_numpy()
    neighbour_ids = lists.flatten().to_numpy().reshape(len(table), -1)
    x = table["x"].to_numpy()
    y = table["y"].to_numpy()
    violations.check_rows(duplicated(movie_ids), "movieId more than once", movie_ids)
    not_finite = (~np.isfinite(np.stack([x, y]))).any(axis=0)
    violations.check_rows(not_finite, "x or y not finite", movie_ids)
    unknown = np.asarray((~np.isin(neighbour_ids, movie_ids)).any(axis=1))
    violations.check_rows(unknown, "neighbours not in the file", movie_ids)
    violations.raise_if_any()
    order = np.argsort(movie_ids, kind="stable")
    neighbours = order[np.searchsorted(movie_ids[order], neighbour_ids)]
    return MapLayout(movie_ids, x, y, neighbours)

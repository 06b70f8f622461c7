"""Vector files: one row a movie, ``movieId`` and ``embedding`` (list of float32), finite."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
from jaxtyping import Float32, Int64

from reelgraph.runtime.atomic_io import write_parquet
from reelgraph.schemas.reading import read_exactly
from reelgraph.schemas.violations import SHOWN_ROWS, Violations, repeated

SCHEMA = pa.schema([("movieId", pa.int64()), ("embedding", pa.list_(pa.float32()))])
BATCH_ROWS = 1 << 14


def write_vectors(
    movie_ids: Int64[np.ndarray, " movies"],
    vectors: Float32[np.ndarray, "movies dim"],
    path: Path | str,
) -> None:
    """Write one vector a movie, in the given order."""
    write_parquet(_batches(movie_ids, vectors), path, SCHEMA)


def _batches(movie_ids: np.ndarray, vectors: np.ndarray) -> Iterator[pa.RecordBatch]:
    dim = vectors.shape[1]
    for start in range(0, len(movie_ids), BATCH_ROWS):
        part = np.ascontiguousarray(vectors[start : start + BATCH_ROWS])
        offsets = np.arange(len(part) + 1, dtype=np.int32) * dim
        lists = pa.ListArray.from_arrays(pa.array(offsets), pa.array(part.reshape(-1)))
        ids = pa.array(movie_ids[start : start + BATCH_ROWS])
        yield pa.record_batch([ids, lists], schema=SCHEMA)


def read_vectors(
    path: Path | str,
) -> tuple[Int64[np.ndarray, " movies"], Float32[np.ndarray, "movies dim"]]:
    """Read a vector file.

    Raises:
        ArtifactError: missing, not this schema, empty, ragged, a movie missing or twice, not finite.
    """
    table = read_exactly(path, SCHEMA)
    lists, wrong = table["embedding"].combine_chunks(), Violations(path)
    lengths = lists.value_lengths().to_numpy(zero_copy_only=False)
    dim = int(np.bincount(lengths).argmax())
    wrong.rows((lengths != dim) | (lengths == 0), f"embedding not of dimension {max(dim, 1)}", lengths)
    wrong.refuse()
    movie_ids = table["movieId"].to_numpy()
    # A number that is missing becomes NaN.
    vectors = lists.flatten().to_numpy(zero_copy_only=False).reshape(len(lists), dim).astype(np.float32)
    wrong.rows(repeated(movie_ids), "movieId more than once", movie_ids)
    wrong.rows(~np.isfinite(vectors).all(axis=1), "embedding not finite", movie_ids)
    wrong.refuse()
    return movie_ids, vectors


def aligned(
    movie_ids: Int64[np.ndarray, " movies"],
    found_ids: Int64[np.ndarray, " found"],
    vectors: Float32[np.ndarray, "found dim"],
    path: Path | str,
) -> Float32[np.ndarray, "movies dim"]:
    """Return the vectors in the row order of ``movie_ids``.

    Raises:
        ArtifactError: the two files don't hold the same movies.
    """
    wrong = Violations(path)
    wrong.rows(~np.isin(found_ids, movie_ids), "movieId not in data/movies.parquet", found_ids)
    lacking = np.setdiff1d(movie_ids, found_ids)
    wrong.that(not len(lacking), f"{len(lacking):,} movies of data/movies.parquet missing, "
               f"such as movieId {', '.join(map(str, lacking[:SHOWN_ROWS]))}")  # fmt: skip
    wrong.refuse()
    order = np.argsort(found_ids, kind="stable")
    return vectors[order[np.searchsorted(found_ids[order], movie_ids)]]

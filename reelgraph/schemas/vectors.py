"""Vector files: one row a movie, ``movieId`` and ``embedding`` (list of float32), finite."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from jaxtyping import Float32, Int64

from reelgraph.errors import ArtifactError
from reelgraph.files import RERUN, missing, write_parquet

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
        ArtifactError: missing, not this schema, ragged, a repeated movie, not finite.
    """
    try:
        table = pq.read_table(path, schema=SCHEMA)
    except FileNotFoundError:
        raise missing(path) from None
    except (pa.ArrowException, OSError) as error:
        raise ArtifactError(str(path), "parquet with movieId and embedding",
                            str(error).splitlines()[0], RERUN) from error  # fmt: skip
    movie_ids = table["movieId"].to_numpy()
    vectors = _matrix(table["embedding"], str(path))
    if len(np.unique(movie_ids)) != len(movie_ids):
        raise ArtifactError(f"{path}: movieId", "each movie once", "a movie twice", RERUN)
    if not np.isfinite(vectors).all():
        row = int(np.flatnonzero(~np.isfinite(vectors).all(axis=1))[0])
        raise ArtifactError(f"{path}: embedding, row {row + 1}", "finite numbers", "NaN or inf", RERUN)
    return movie_ids, vectors


def _matrix(column: pa.ChunkedArray, path: str) -> np.ndarray:
    lists = column.combine_chunks()
    lengths = np.unique(lists.value_lengths().to_numpy(zero_copy_only=False))
    if len(lengths) != 1 or lists.null_count or lists.values.null_count:
        raise ArtifactError(f"{path}: embedding", "rows of one dimension", f"{lengths[:5]}", RERUN)
    return lists.flatten().to_numpy().reshape(len(lists), int(lengths[0])).copy()


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
    if len(movie_ids) != len(found_ids) or len(np.setdiff1d(movie_ids, found_ids)):
        raise ArtifactError(f"{path}: movieId", f"the {len(movie_ids):,} movies of data/movies.parquet",
                            f"{len(found_ids):,} others", RERUN)  # fmt: skip
    order = np.argsort(found_ids, kind="stable")
    return vectors[order[np.searchsorted(found_ids[order], movie_ids)]]

"""map.parquet: a place in the plane for each movie, and its nearest neighbours by cosine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from jaxtyping import Float32, Int64

from reelgraph.runtime.atomic_io import write_parquet
from reelgraph.schemas.reading import read_exactly
from reelgraph.schemas.violations import Violations, repeated

SCHEMA = pa.schema(
    [
        ("movieId", pa.int64()),
        ("x", pa.float32()),
        ("y", pa.float32()),
        ("neighbours", pa.list_(pa.int64())),
    ]
)


@dataclass(frozen=True)
class MovieMap:
    """All movies in the plane, in the row order of movies.parquet."""

    movie_ids: Int64[np.ndarray, " movies"]
    x: Float32[np.ndarray, " movies"]
    y: Float32[np.ndarray, " movies"]
    neighbours: Int64[np.ndarray, "movies k"]
    """Rows of the nearest movies, the nearest first. The file has their movieIds."""


def write_map(placed: MovieMap, path: Path | str) -> None:
    """Write the map."""
    near = placed.movie_ids[placed.neighbours]
    offsets = np.arange(len(near) + 1, dtype=np.int32) * near.shape[1]
    lists = pa.ListArray.from_arrays(pa.array(offsets), pa.array(near.reshape(-1)))
    write_parquet(pa.table([placed.movie_ids, placed.x, placed.y, lists], schema=SCHEMA), path)


def read_map(path: Path | str) -> MovieMap:
    """Read the map.

    Raises:
        ArtifactError: missing, not this schema, a movie twice, a place not finite, or a neighbour that is
            no movie of the file.
    """
    table = read_exactly(path, SCHEMA)
    wrong, lists = Violations(path), table["neighbours"].combine_chunks()
    lengths = lists.value_lengths().to_numpy(zero_copy_only=False)
    wrong.rows(np.diff(lengths, prepend=lengths[:1]) != 0, "neighbours not as many as before", lengths)
    wrong.that(not lists.values.null_count, "a neighbour missing")
    wrong.refuse()
    ids, near = table["movieId"].to_numpy(), lists.flatten().to_numpy().reshape(len(table), -1)
    x, y = table["x"].to_numpy(), table["y"].to_numpy()
    wrong.rows(repeated(ids), "movieId more than once", ids)
    wrong.rows((~np.isfinite(np.stack([x, y]))).any(axis=0), "x or y not finite", ids)
    strangers = np.asarray((~np.isin(near, ids)).any(axis=1))
    wrong.rows(strangers, "neighbours not in the file", ids)
    wrong.refuse()
    order = np.argsort(ids, kind="stable")
    return MovieMap(ids, x, y, order[np.searchsorted(ids[order], near)])

"""map.parquet: a place in the plane for each movie, and its nearest neighbours by cosine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from jaxtyping import Float32, Int64

from reelgraph.errors import ArtifactError
from reelgraph.files import RERUN, missing, write_parquet

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
        ArtifactError: missing, not this schema, or a neighbour that is no movie of the file.
    """
    try:
        table = pq.read_table(path, schema=SCHEMA)
    except FileNotFoundError:
        raise missing(path) from None
    except (pa.ArrowException, OSError) as error:
        raise ArtifactError(str(path), "parquet with movieId, x, y, neighbours",
                            str(error).splitlines()[0], RERUN) from error  # fmt: skip
    ids = table["movieId"].to_numpy()
    near = table["neighbours"].combine_chunks().flatten().to_numpy()
    order = np.argsort(ids, kind="stable")
    place = np.searchsorted(ids[order], near).clip(max=max(len(ids) - 1, 0))
    if not np.array_equal(ids[order][place], near):
        raise ArtifactError(f"{path}: neighbours", "movies of the file", "others", RERUN)
    neighbours = order[place].reshape(len(ids), -1)
    return MovieMap(ids, table["x"].to_numpy(), table["y"].to_numpy(), neighbours)

"""movies.parquet: the catalogue's movies that were rated, in the row order used from there on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from jaxtyping import Int64

from reelgraph.errors import ArtifactError
from reelgraph.files import RERUN, missing
from reelgraph.schemas.catalog import CATALOG


def read_movies(path: Path | str, columns: tuple[str, ...] | None = None) -> pa.Table:
    """Read columns of the movie table, with the code's names.

    Raises:
        ArtifactError: the file is missing or has not the catalogue's columns.
    """
    names = {c.name: c.in_file for c in CATALOG.columns if columns is None or c.name in columns}
    try:
        table = pq.read_table(path, columns=list(names.values()))
        table = table.select(list(names.values())).rename_columns(list(names))
        fields = [pa.field(c.name, c.type) for c in CATALOG.columns if c.name in names]
        return table.cast(pa.schema(fields)).replace_schema_metadata(None)
    except FileNotFoundError:
        raise missing(path) from None
    except (pa.ArrowException, OSError, KeyError) as error:
        raise ArtifactError(str(path), "the movie table of stage filter",
                            str(error).splitlines()[0], RERUN) from error  # fmt: skip


def read_movie_ids(path: Path | str) -> Int64[np.ndarray, "movies"]:
    """Read the movies' ids in row order."""
    return read_movies(path, ("movie_id",))["movie_id"].to_numpy()

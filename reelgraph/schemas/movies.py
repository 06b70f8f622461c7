"""movies.parquet: the catalogue's movies that were rated, in the row order used from there on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from jaxtyping import Int64

from reelgraph.runtime.atomic_io import PARQUET_ERRORS, RERUN_HINT, missing_artifact_error
from reelgraph.runtime.errors import ArtifactError
from reelgraph.schemas.artifacts import Violations, non_increasing
from reelgraph.schemas.columns import CATALOG_COLUMNS, FIRST_YEAR, LAST_YEAR


def read_movies(path: Path | str, columns: tuple[str, ...] | None = None) -> pa.Table:
    """Read columns of the movie table, with the code's names.

    Raises:
        ArtifactError: the file is missing, has not the catalogue's columns, or its ids don't ascend.
    """
    wanted = [c for c in CATALOG_COLUMNS if columns is None or c.name in columns]
    try:
        table = _read(path, [c.name_in_file for c in wanted])
        table = table.cast(pa.schema([pa.field(c.name_in_file, c.type) for c in wanted]))
    except FileNotFoundError:
        raise missing_artifact_error(path) from None
    except PARQUET_ERRORS as error:
        raise _other(path, str(error).splitlines()[0]) from error
    table = table.rename_columns([c.name for c in wanted]).replace_schema_metadata(None)
    _check(table, path)
    return table


def _read(path: Path | str, names: list[str]) -> pa.Table:
    with pq.ParquetFile(path) as file:
        if lacking := [name for name in names if name not in file.schema_arrow.names]:
            raise _other(path, f"no column {', '.join(lacking)}")
        return file.read(names).select(names)


def _other(path: Path | str, got: str) -> ArtifactError:
    return ArtifactError(str(path), "the movie table of stage filter", got, RERUN_HINT)


def _check(table: pa.Table, path: Path | str) -> None:
    wrong = Violations(path)
    wrong.check(bool(len(table)), "no row")
    if "movie_id" in table.column_names:
        wrong.check_rows(table["movie_id"].is_null().to_numpy(), "movieId missing")
        ids = pc.fill_null(table["movie_id"], 0).to_numpy()
        wrong.check_rows(non_increasing(ids), "movieId not above the one before", ids)
    if "release_year" in table.column_names:
        # What is beyond a float's digits is rounded, and so out of range, too.
        years = pc.cast(table["release_year"], "float64", safe=False).to_numpy()
        wrong.check_rows((years < FIRST_YEAR) | (years > LAST_YEAR), "release_year out of range", years)
    wrong.raise_if_any()


def read_movie_ids(path: Path | str) -> Int64[np.ndarray, "movies"]:
    """Read the movies' ids in row order."""
    return read_movies(path, ("movie_id",))["movie_id"].to_numpy()

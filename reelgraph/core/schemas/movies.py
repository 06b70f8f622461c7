"""movies.parquet: the catalogue's movies that have ratings. A movie's row in this file identifies it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from jaxtyping import Float64, Int64

from reelgraph.core.schemas.artifacts import Violations, non_increasing
from reelgraph.core.schemas.columns import CATALOG_COLUMNS, FIRST_YEAR, LAST_YEAR, SOURCE_MOVIE_ID
from reelgraph.runtime.atomic_io import PARQUET_ERRORS, RERUN_HINT, missing_artifact_error
from reelgraph.runtime.errors import ArtifactError


def read_movies(path: Path | str, columns: tuple[str, ...] | None = None) -> pa.Table:
    """Read the movie table, or some of its columns, with the names of the code.

    Raises:
        ArtifactError: the file is missing, lacks columns of the catalogue, or its ids do not increase.
    """
    selected = [column for column in CATALOG_COLUMNS if columns is None or column.name in columns]
    try:
        table = _read_columns(path, [column.name_in_file for column in selected])
        table = table.cast(pa.schema([pa.field(column.name_in_file, column.type) for column in selected]))
    except FileNotFoundError:
        raise missing_artifact_error(path) from None
    except PARQUET_ERRORS as error:
        raise _invalid_table_error(path, str(error).splitlines()[0]) from error
    table = table.rename_columns([column.name for column in selected]).replace_schema_metadata(None)
    _validate(table, path)
    return table


def read_movie_ids(path: Path | str) -> Int64[np.ndarray, "movies"]:
    """Read the ids of the movies in row order."""
    return read_movies(path, ("movie_id",))["movie_id"].to_numpy()


def release_years(movies: pa.Table) -> Float64[np.ndarray, "movies"]:
    """Return the release years of a movie table; NaN where missing."""
    return pc.cast(movies["release_year"], "float64").to_numpy()


def read_source_movie_ids(path: Path | str) -> pa.Table | None:
    """Read movie_id and source_movie_id, the id in the source; None if the source's ids are numbers."""
    columns = (CATALOG_COLUMNS[0], SOURCE_MOVIE_ID)
    if SOURCE_MOVIE_ID.name_in_file not in pq.read_schema(path).names:
        return None
    table = _read_columns(path, [column.name_in_file for column in columns])
    return table.rename_columns([column.name for column in columns])


def _read_columns(path: Path | str, names: list[str]) -> pa.Table:
    with pq.ParquetFile(path) as file:
        if missing := [name for name in names if name not in file.schema_arrow.names]:
            raise _invalid_table_error(path, f"no column {', '.join(missing)}")
        return file.read(names).select(names)


def _invalid_table_error(path: Path | str, got: str) -> ArtifactError:
    return ArtifactError(str(path), "the movie table of stage filter", got, RERUN_HINT)


def _validate(table: pa.Table, path: Path | str) -> None:
    violations = Violations(path)
    violations.check(bool(len(table)), "no row")
    if "movie_id" in table.column_names:
        violations.check_rows(table["movie_id"].is_null().to_numpy(), "movieId missing")
        movie_ids = pc.fill_null(table["movie_id"], 0).to_numpy()
        violations.check_rows(non_increasing(movie_ids), "movieId not above the one before", movie_ids)
    if "release_year" in table.column_names:
        # Numbers too large for a float are rounded; they are out of range, too.
        years = pc.cast(table["release_year"], "float64", safe=False).to_numpy()
        out_of_range = (years < FIRST_YEAR) | (years > LAST_YEAR)
        violations.check_rows(out_of_range, "release_year out of range", years)
    violations.raise_if_any()

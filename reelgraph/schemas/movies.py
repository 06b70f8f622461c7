"""movies.parquet: the catalogue's movies that were rated, in the row order used from there on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from jaxtyping import Int64

from reelgraph.errors import ArtifactError
from reelgraph.files import RERUN, missing
from reelgraph.schemas.catalog import CATALOG, FIRST_YEAR, LAST_YEAR
from reelgraph.schemas.violations import Violations, not_above


def read_movies(path: Path | str, columns: tuple[str, ...] | None = None) -> pa.Table:
    """Read columns of the movie table, with the code's names.

    Raises:
        ArtifactError: the file is missing, has not the catalogue's columns, or its ids don't ascend.
    """
    names = {c.name: c.in_file for c in CATALOG.columns if columns is None or c.name in columns}
    try:
        table = pq.read_table(path, columns=list(names.values()))
        table = table.select(list(names.values())).rename_columns(list(names))
        fields = [pa.field(c.name, c.type) for c in CATALOG.columns if c.name in names]
        table = table.cast(pa.schema(fields)).replace_schema_metadata(None)
    except FileNotFoundError:
        raise missing(path) from None
    except (pa.ArrowException, OSError, KeyError) as error:
        raise ArtifactError(str(path), "the movie table of stage filter",
                            str(error).splitlines()[0], RERUN) from error  # fmt: skip
    _check(table, path)
    return table


def _check(table: pa.Table, path: Path | str) -> None:
    wrong = Violations(path)
    wrong.that(bool(len(table)), "no row")
    if "movie_id" in table.column_names:
        wrong.rows(table["movie_id"].is_null().to_numpy(), "movieId missing")
        ids = pc.fill_null(table["movie_id"], 0).to_numpy()
        wrong.rows(not_above(ids), "movieId not above the one before", ids)
    if "release_year" in table.column_names:
        years = pc.cast(table["release_year"], "float64").to_numpy()
        wrong.rows((years < FIRST_YEAR) | (years > LAST_YEAR), "release_year out of range", years)
    wrong.refuse()


def read_movie_ids(path: Path | str) -> Int64[np.ndarray, "movies"]:
    """Read the movies' ids in row order."""
    return read_movies(path, ("movie_id",))["movie_id"].to_numpy()

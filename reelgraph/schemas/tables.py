"""Catalogue: one row a movie. Missing and blank text are the same: null."""

from __future__ import annotations

from pathlib import Path

import ibis.expr.types as ir
import pyarrow as pa
from ibis.backends import BaseBackend

from reelgraph.core.rating_scale import MAX_STARS, MIN_STARS, STAR_STEP
from reelgraph.schemas.columns import CATALOG_COLUMNS, Column
from reelgraph.schemas.contract import Contract

CATALOG = Contract(CATALOG_COLUMNS, key=("movie_id",))
"""The SPEC's columns; release years 1800 … 2200, or null."""


def open_catalog(connection: BaseBackend, path: Path | str) -> ir.Table:
    """Open the catalogue that stage ingest wrote, lazily, with the code's names.

    Raises:
        ArtifactError: the file is missing or has other columns.
    """
    return CATALOG.open_artifact(connection, path)


YEAR_2100 = 4_102_444_800.0

RATINGS = Contract(
    columns=(
        Column("user_id", pa.int64(), "userId", remedy="Give every rating a whole number as userId."),
        Column("movie_id", pa.int64(), "movieId", remedy="Give every rating a whole number as movieId."),
        Column("rating", pa.float64(), minimum=MIN_STARS, maximum=MAX_STARS, step=STAR_STEP,
               remedy="Ratings are half stars from 0.5 to 5; halve a scale of 1 to 10."),
        Column("timestamp", pa.int64(), minimum=0.0, maximum=YEAR_2100,
               remedy="Timestamps are seconds since 1970, UTC; divide milliseconds by 1000."),
    ),
    key=("user_id", "movie_id"),
    optional=(Column("test", pa.bool_(), remedy="Say of every rating whether it tests: true or false."),),
)  # fmt: skip
"""Half stars 0.5 … 5; Unix seconds, UTC; a user rates a movie once, in one part of a split that is given."""


def open_ratings(connection: BaseBackend, path: Path | str) -> ir.Table:
    """Open the ratings that stage ingest wrote, lazily, with the code's names.

    Raises:
        ArtifactError: the file is missing or has other columns.
    """
    return RATINGS.open_artifact(connection, path)

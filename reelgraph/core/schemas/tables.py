"""Contracts of the two tables that stage ingest writes: catalogue and ratings."""

from __future__ import annotations

from pathlib import Path

import ibis.expr.types as ir
import pyarrow as pa
from ibis.backends import BaseBackend

from reelgraph.core.rating_scale import MAX_STARS, MIN_STARS, STAR_STEP
from reelgraph.core.schemas.columns import CATALOG_COLUMNS, SOURCE_MOVIE_ID, SOURCE_USER_ID, Column
from reelgraph.core.schemas.contract import Contract

YEAR_2100 = 4_102_444_800.0

CATALOG = Contract(CATALOG_COLUMNS, key=("movie_id",), optional=(SOURCE_MOVIE_ID,))
"""One row per movie. Missing and blank text are both null; release years are 1800 … 2200, or null."""

RATINGS = Contract(
    columns=(
        Column("user_id", pa.int64(), "userId", remedy="Give every rating a whole number as userId."),
        Column("movie_id", pa.int64(), "movieId", remedy="Give every rating a whole number as movieId."),
        Column("rating", pa.float64(), minimum=MIN_STARS, maximum=MAX_STARS, step=STAR_STEP,
               remedy="Ratings are half stars from 0.5 to 5. Tables may have another data.scale."),
        Column("timestamp", pa.int64(), minimum=0.0, maximum=YEAR_2100,
               remedy="Timestamps are seconds since 1970, UTC. Tables may instead have dates, milliseconds, "
                      "or no times with data.order: file."),
    ),
    key=("user_id", "movie_id"),
    optional=(
        Column("test", pa.bool_(), remedy="Set test of every rating to true or false."),
        SOURCE_USER_ID,
    ),
)  # fmt: skip
"""One row per rating: half stars 0.5 … 5 and Unix seconds, UTC. ``test`` marks a predefined split."""


def open_catalog(connection: BaseBackend, path: Path | str) -> ir.Table:
    """Open the catalogue that stage ingest wrote, lazily, with the names of the code.

    Raises:
        ArtifactError: the file is missing or has other columns.
    """
    return CATALOG.open_artifact(connection, path)


def open_ratings(connection: BaseBackend, path: Path | str) -> ir.Table:
    """Open the ratings that stage ingest wrote, lazily, with the names of the code.

    Raises:
        ArtifactError: the file is missing or has other columns.
    """
    return RATINGS.open_artifact(connection, path)

"""Catalogue: one row a movie. Missing and blank text are the same: null."""

from __future__ import annotations

from pathlib import Path

import ibis.expr.types as ir
import pyarrow as pa
from ibis.backends import BaseBackend

from reelgraph.schemas.columns import TEXT_COLUMNS
from reelgraph.schemas.contract import Column, Contract

FIRST_YEAR, LAST_YEAR = 1800.0, 2200.0

CATALOG = Contract(
    columns=(
        Column("movie_id", pa.int64(), "movieId",
               remedy="Give every movie a movieId of its own, a whole number."),
        *(
            Column(name, pa.string(), nullable=True, remedy="Text columns are strings, null where unknown.")
            for name in TEXT_COLUMNS
        ),
        Column("release_year", pa.int64(), nullable=True, minimum=FIRST_YEAR, maximum=LAST_YEAR, step=1.0,
               remedy="release_year is a whole year such as 1995, or null where unknown."),
    ),
    key=("movie_id",),
)  # fmt: skip
"""The SPEC's columns; release years 1800 … 2200, or null."""


def open_catalog(connection: BaseBackend, path: Path | str) -> ir.Table:
    """Open the catalogue that stage ingest wrote, lazily, with the code's names.

    Raises:
        ArtifactError: the file is missing or has other columns.
    """
    return CATALOG.opened(connection, path)

"""Catalogue: one row a movie. Missing and blank text are the same: null."""

from __future__ import annotations

from pathlib import Path

import ibis.expr.types as ir
from ibis.backends import BaseBackend

from reelgraph.schemas.columns import COLUMNS
from reelgraph.schemas.contract import Contract

CATALOG = Contract(COLUMNS, key=("movie_id",))
"""The SPEC's columns; release years 1800 … 2200, or null."""


def open_catalog(connection: BaseBackend, path: Path | str) -> ir.Table:
    """Open the catalogue that stage ingest wrote, lazily, with the code's names.

    Raises:
        ArtifactError: the file is missing or has other columns.
    """
    return CATALOG.opened(connection, path)

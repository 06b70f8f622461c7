"""Source tables: two parquet files, or folders of them, in the SPEC's schema."""

from __future__ import annotations

from ibis.backends import BaseBackend

from reelgraph.core.table_engine import read_parquet
from reelgraph.sources.source import Source


def open_tables(connection: BaseBackend, catalog: str, ratings: str) -> Source:
    """Open both tables lazily, wherever they lie.

    Raises:
        InputError: one of them is missing or isn't parquet.
    """
    return Source(
        catalog=read_parquet(connection, catalog),
        ratings=read_parquet(connection, ratings),
        catalog_location=catalog,
        ratings_location=ratings,
    )

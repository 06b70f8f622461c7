"""Source tables: two parquet files, or folders of them, with the columns of the data contracts."""

from __future__ import annotations

from reelgraph.core.table_engine import read_parquet
from reelgraph.params.data import IngestParams
from reelgraph.sources.source import Source, Staging


def open_source(params: IngestParams, staging: Staging) -> Source:
    """Open the files that ``data.catalog`` and ``data.ratings`` name, without reading their rows.

    Raises:
        InputError: a file is missing or is not parquet.
    """
    return Source(
        catalog=read_parquet(staging.connection, params.data.catalog),
        ratings=read_parquet(staging.connection, params.data.ratings),
        catalog_location=params.data.catalog,
        ratings_location=params.data.ratings,
    )

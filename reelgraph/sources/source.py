"""The registry of data sources, and the interface between a source and stage ingest.

Source NAME is the module ``reelgraph.sources.NAME`` with a function ``open_source``. Param
``data.source`` selects it; ``params.data.Data.source`` lists the names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
from ibis.backends import BaseBackend

from reelgraph.core.schemas.row_validation import RowLocator, format_row_number
from reelgraph.core.table_engine import read_parquet
from reelgraph.params.data import IngestParams
from reelgraph.runtime.atomic_io import write_parquet


@dataclass(frozen=True)
class Source:
    """Catalogue and ratings before validation, with the column names of the data contracts."""

    catalog: ir.Table
    ratings: ir.Table
    catalog_location: str
    """File that errors about the catalogue name."""
    ratings_location: str
    """File that errors about the ratings name."""
    locate_movie: RowLocator = format_row_number
    """Names the position of a movie in the catalogue's file."""
    locate_rating: RowLocator = format_row_number
    """Names the position of a rating in that file."""
    truth: Mapping[str, np.ndarray] = field(default_factory=dict)
    """Ground truth of generated data; empty for real data."""
    conversions: Mapping[str, int] = field(default_factory=dict)
    """What was converted to the types of the contracts → number of values."""
    notes: tuple[str, ...] = ()
    """Counts for the summary line: joined movies, skipped rows, malformed cells."""


@dataclass(frozen=True)
class Staging:
    """Passes tables made in Python to the table engine, as parquet files in a temporary folder."""

    connection: BaseBackend
    folder: Path
    """It must exist for as long as the tables are read."""

    def stage_table(
        self, name: str, rows: pa.Table | Iterable[pa.RecordBatch], schema: pa.Schema | None = None
    ) -> ir.Table:
        """Write rows to a parquet file and open it in the engine.

        Args:
            name: name of the file.
            rows: a table, or batches, which are never all in memory.
            schema: schema of the batches; a table needs none.
        """
        path = self.folder / f"{name}.parquet"
        write_parquet(rows, path, schema)
        return read_parquet(self.connection, path)


def open_source(params: IngestParams, staging: Staging) -> Source:
    """Open the source that ``data.source`` names.

    Raises:
        InputError: a file of the source is missing or malformed.
    """
    module = import_module(f"reelgraph.sources.{params.data.source}")
    return module.open_source(params, staging)

"""What every source hands to stage ingest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
from ibis.backends import BaseBackend

from reelgraph.core.table_engine import read_parquet
from reelgraph.runtime.atomic_io import write_parquet
from reelgraph.schemas.row_validation import RowLocator, format_row_number


@dataclass(frozen=True)
class Source:
    """Catalogue and ratings, unchecked, with the SPEC's column names."""

    catalog: ir.Table
    ratings: ir.Table
    catalog_location: str
    """File to name in errors about the catalogue."""
    ratings_location: str
    """File to name in errors about the ratings."""
    locate_rating: RowLocator = format_row_number
    """Names a row of the ratings' file."""
    truth: Mapping[str, np.ndarray] = field(default_factory=dict)
    """What is known of generated data and never of real data."""
    notes: tuple[str, ...] = ()
    """Counts for the summary line: what was joined, skipped, malformed."""


@dataclass(frozen=True)
class Staging:
    """An engine and a folder that lives as long as its tables are read."""

    connection: BaseBackend
    folder: Path

    def stage_table(
        self, name: str, rows: pa.Table | Iterable[pa.RecordBatch], schema: pa.Schema | None = None
    ) -> ir.Table:
        """Open rows as the engine's table; batches, which need a schema, are never all in memory."""
        path = self.folder / f"{name}.parquet"
        write_parquet(rows, path, schema)
        return read_parquet(self.connection, path)

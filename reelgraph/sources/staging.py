"""Tables made in Python handed to the engine: through parquet files in a scratch folder."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import ibis.expr.types as ir
import pyarrow as pa
from ibis.backends import BaseBackend

from reelgraph.core.table_engine import read_parquet
from reelgraph.runtime.atomic_io import write_parquet


@dataclass(frozen=True)
class Staging:
    """An engine and a folder that lives as long as its tables are read."""

    connection: BaseBackend
    folder: Path

    def table(
        self, name: str, rows: pa.Table | Iterable[pa.RecordBatch], schema: pa.Schema | None = None
    ) -> ir.Table:
        """Open rows as the engine's table; batches, which need a schema, are never all in memory."""
        path = self.folder / f"{name}.parquet"
        write_parquet(rows, path, schema)
        return read_parquet(self.connection, path)

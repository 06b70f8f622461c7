"""Reading a parquet file between stages that has exactly one schema."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from reelgraph.runtime.atomic_io import NO_PARQUET, RERUN, missing
from reelgraph.runtime.errors import ArtifactError
from reelgraph.schemas.violations import Violations


def read_exactly(path: Path | str, schema: pa.Schema, gaps: tuple[str, ...] = ()) -> pa.Table:
    """Read a table whose columns are those of the schema, in their order, without what is missing.

    Args:
        path: the file.
        schema: names and types.
        gaps: columns whose cells may be missing.

    Raises:
        ArtifactError: no file, no parquet, other columns or types, no row, or cells missing.
    """
    try:
        with pq.ParquetFile(path) as file:
            table = file.read()
            found = _told(table.schema)
    except FileNotFoundError:
        raise missing(path) from None
    except NO_PARQUET as error:
        raise ArtifactError(str(path), "a parquet file", str(error).splitlines()[0], RERUN) from error
    wrong = Violations(path)
    if not table.schema.equals(schema):
        raise ArtifactError(str(path), f"the columns {_told(schema)}", found or "none", RERUN)
    wrong.that(bool(len(table)), "no row")
    for name in schema.names:
        if name not in gaps:
            wrong.rows(table[name].is_null().to_numpy(), f"{name} missing")
    wrong.refuse()
    return table.replace_schema_metadata(None)


def _told(schema: pa.Schema) -> str:
    return ", ".join(f"{field.name} ({field.type})" for field in schema)

"""The ids of users in the source, if these are text and the project numbers them."""

from __future__ import annotations

from pathlib import Path

import ibis.expr.types as ir
import pyarrow as pa

from reelgraph.core.schemas.artifacts import read_with_schema
from reelgraph.core.schemas.columns import SOURCE_USER_ID
from reelgraph.core.table_engine import write_table

SCHEMA = pa.schema([("user_id", pa.int64()), ("source_user_id", pa.string())])


FILE = "source_user_ids.parquet"


def write_source_user_ids(ratings: ir.Table, folder: Path | str) -> None:
    """Write user_id and source_user_id of each user, ordered by user_id; nothing if the ids are numbers."""
    if SOURCE_USER_ID.name in ratings.columns:
        users = ratings.select(SCHEMA.names).distinct()
        write_table(users.order_by("user_id"), Path(folder) / FILE, SCHEMA)


def read_source_user_ids(folder: Path | str) -> pa.Table | None:
    """Read what ``write_source_user_ids`` wrote; None if it wrote nothing.

    Raises:
        ArtifactError: the file has another schema.
    """
    path = Path(folder) / FILE
    return read_with_schema(path, SCHEMA) if path.is_file() else None

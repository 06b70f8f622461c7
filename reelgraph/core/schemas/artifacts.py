"""Validation of files between stages: gathering violations, and reading parquet with an exact schema."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from jaxtyping import Bool

from reelgraph.runtime.atomic_io import PARQUET_ERRORS, RERUN_HINT, missing_artifact_error
from reelgraph.runtime.errors import ArtifactError

MAX_SHOWN_ROWS = 3
"""Rows that the error message of a violation lists."""


class Violations:
    """Collects what is wrong with an artifact, to raise it all in one error."""

    def __init__(self, path: Path | str) -> None:
        """Start without violations; ``path`` names the artifact in the error."""
        self.path = str(path)
        self.messages: list[str] = []

    def check(self, holds: bool, message: str) -> None:
        """Add a violation of the artifact as a whole, unless the condition holds."""
        if not holds:
            self.messages.append(message)

    def check_rows(
        self, violated: Bool[np.ndarray, " rows"], message: str, values: np.ndarray | None = None
    ) -> None:
        """Add a violation, if any row violates the rule.

        Args:
            violated: True for each row that violates it.
            message: what is wrong with such a row, such as ``embedding not finite``.
            values: one value per row, shown for the first rows.
        """
        rows = np.flatnonzero(violated)
        if len(rows):
            examples = ", ".join(_format_row(int(row), values) for row in rows[:MAX_SHOWN_ROWS])
            count = f"{len(rows):,} {'row' if len(rows) == 1 else 'rows'}"
            self.messages.append(f"{message} in {count}, first at {examples}")

    def raise_if_any(self) -> None:
        """Raise all violations.

        Raises:
            ArtifactError: there are any.
        """
        if self.messages:
            raise ArtifactError(self.path, "a valid file", "; ".join(self.messages), RERUN_HINT)


def duplicated(values: np.ndarray) -> Bool[np.ndarray, " rows"]:
    """Return True for each value that occurs more than once."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return counts[inverse] > 1


def non_increasing(values: np.ndarray) -> Bool[np.ndarray, " rows"]:
    """Return True for each value that is not greater than the one before."""
    return np.append(np.zeros(min(1, len(values)), bool), values[1:] <= values[:-1])


def read_with_schema(
    path: Path | str, schema: pa.Schema, nullable: tuple[str, ...] = (), optional: tuple[pa.Field, ...] = ()
) -> pa.Table:
    """Read a table with exactly the columns of the schema, in the same order.

    Args:
        path: the parquet file.
        schema: names and types of the columns.
        nullable: columns that may have nulls.
        optional: further columns that the file may have, after the others.

    Raises:
        ArtifactError: the file is missing or not parquet, has other columns or types, no rows, or nulls.
    """
    try:
        with pq.ParquetFile(path) as file:
            table = file.read()
            columns = _format_schema(table.schema)
    except FileNotFoundError:
        raise missing_artifact_error(path) from None
    except PARQUET_ERRORS as error:
        reason = str(error).splitlines()[0]
        raise ArtifactError(str(path), "a parquet file", reason, RERUN_HINT) from error
    for field in optional:
        schema = schema.append(field) if field.name in table.column_names else schema
    if not table.schema.equals(schema):
        raise ArtifactError(str(path), f"the columns {_format_schema(schema)}", columns or "none", RERUN_HINT)
    violations = Violations(path)
    violations.check(bool(len(table)), "no row")
    for name in schema.names:
        if name not in nullable:
            violations.check_rows(table[name].is_null().to_numpy(), f"{name} missing")
    violations.raise_if_any()
    return table.replace_schema_metadata(None)


def _format_schema(schema: pa.Schema) -> str:
    return ", ".join(f"{field.name} ({field.type})" for field in schema)


def _format_row(row: int, values: np.ndarray | None) -> str:
    return f"row {row + 1:,}" + ("" if values is None else f" ({values[row]})")

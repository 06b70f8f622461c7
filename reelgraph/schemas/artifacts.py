"""What is wrong with an artifact's arrays: each breach counted, with its first rows, all said at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from jaxtyping import Bool

from reelgraph.runtime.atomic_io import PARQUET_ERRORS, RERUN_HINT, missing_artifact_error
from reelgraph.runtime.errors import ArtifactError

SHOWN_ROWS = 3


class Violations:
    """Gathers the breaches of one artifact's contract."""

    def __init__(self, where: Path | str) -> None:
        self.where, self.found = str(where), list[str]()

    def check_rows(
        self, broken: Bool[np.ndarray, " check_rows"], text: str, values: np.ndarray | None = None
    ) -> None:
        """Note the rows that break a rule.

        Args:
            broken: which rows.
            text: what is wrong with them, such as ``embedding not finite``.
            values: of each row, shown of the first ones.
        """
        places = np.flatnonzero(broken)
        if len(places):
            shown = ", ".join(_shown(int(place), values) for place in places[:SHOWN_ROWS])
            count = f"{len(places):,} {'row' if len(places) == 1 else 'rows'}"
            self.found.append(f"{text} in {count}, first at {shown}")

    def check(self, holds: bool, text: str) -> None:
        """Note a breach of the artifact as a whole, unless all is well."""
        if not holds:
            self.found.append(text)

    def raise_if_any(self) -> None:
        """Raise all breaches.

        Raises:
            ArtifactError: there are any.
        """
        if self.found:
            raise ArtifactError(
                self.where, "a file that keeps its contract", "; ".join(self.found), RERUN_HINT
            )


def duplicated(values: np.ndarray) -> Bool[np.ndarray, " rows"]:
    """Tell of each value whether it is there more than once."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return counts[inverse] > 1


def non_increasing(values: np.ndarray) -> Bool[np.ndarray, " rows"]:
    """Tell of each value whether it is not above the one before."""
    return np.append(np.zeros(min(1, len(values)), bool), values[1:] <= values[:-1])


def _shown(place: int, values: np.ndarray | None) -> str:
    return f"row {place + 1:,}" + ("" if values is None else f" ({values[place]})")


def read_with_schema(path: Path | str, schema: pa.Schema, nullable: tuple[str, ...] = ()) -> pa.Table:
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
        raise missing_artifact_error(path) from None
    except PARQUET_ERRORS as error:
        raise ArtifactError(str(path), "a parquet file", str(error).splitlines()[0], RERUN_HINT) from error
    wrong = Violations(path)
    if not table.schema.equals(schema):
        raise ArtifactError(str(path), f"the columns {_told(schema)}", found or "none", RERUN_HINT)
    wrong.check(bool(len(table)), "no row")
    for name in schema.names:
        if name not in nullable:
            wrong.check_rows(table[name].is_null().to_numpy(), f"{name} missing")
    wrong.raise_if_any()
    return table.replace_schema_metadata(None)


def _told(schema: pa.Schema) -> str:
    return ", ".join(f"{field.name} ({field.type})" for field in schema)

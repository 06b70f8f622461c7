"""The contract of a table: columns, ranges, keys; all violations of a file are listed at once.

Files at the interface keep the SPEC's column names (``movieId``); here is the one
place where they become the code's names (``movie_id``), and back on writing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import pyarrow as pa

from reelgraph.errors import InputError

SHOWN_ROWS = 3


@dataclass(frozen=True)
class Column:
    """One column of a file."""

    name: str
    """Name in code."""
    type: pa.DataType
    """Type in the file as this project writes it: int64, float64 or string."""
    file_name: str = ""
    """Name in the file, where it differs."""
    nullable: bool = False
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    """Values are whole multiples of it."""
    remedy: str = "Correct the file."

    @property
    def in_file(self) -> str:
        """The column's name in the file."""
        return self.file_name or self.name


@dataclass(frozen=True)
class Contract:
    """What a table file must look like."""

    columns: tuple[Column, ...]
    key: tuple[str, ...] = field(default=())
    """Columns, by their names in code, that identify a row."""

    @property
    def file_schema(self) -> pa.Schema:
        """Arrow schema of the file as this project writes it."""
        return pa.schema([pa.field(c.in_file, c.type) for c in self.columns])

    def to_file(self, table: ir.Table) -> ir.Table:
        """Select the contract's columns under their file names."""
        return table.select(**{c.in_file: table[c.name] for c in self.columns})

    def checked(self, table: ir.Table, where: str) -> ir.Table:
        """Check a table with file names; return it with the code's names and types.

        Extra columns are dropped. The table is scanned once, and a second time
        only to show the rows that break the contract.

        Raises:
            InputError: columns are missing or of a wrong type, or rows break a rule.
        """
        self._check_columns(table, where)
        named = table.select(**{c.name: _canonical(table[c.in_file], c) for c in self.columns})
        rules = dict(self._rules(named))
        counts = named.aggregate(
            rows_=named.count(), **{name: broken.sum() for name, (broken, _) in rules.items()}
        ).to_pyarrow()
        found = {name: counts[name][0].as_py() or 0 for name in rules}
        problems = [
            _describe(named, name, rules[name], count) for name, count in found.items() if count
        ]
        problems += self._duplicates(named)
        if problems:
            raise InputError(where, "rows that keep the contract", "; ".join(problems),
                             self._remedy([name for name, count in found.items() if count]))  # fmt: skip
        return named

    def _check_columns(self, table: ir.Table, where: str) -> None:
        schema = table.schema()
        problems = []
        for column in self.columns:
            if column.in_file not in schema.names:
                problems.append(f"no column {column.in_file}")
            elif not _fits(schema[column.in_file], column.type):
                problems.append(f"column {column.in_file} of type {schema[column.in_file]}")
        if problems:
            wanted = ", ".join(f"{c.in_file} ({c.type})" for c in self.columns)
            raise InputError(where, f"the columns {wanted}", "; ".join(problems),
                             f"The file has {', '.join(schema.names)}.")  # fmt: skip

    def _rules(self, table: ir.Table) -> Iterator[tuple[str, tuple[ir.BooleanColumn, str]]]:
        for column in self.columns:
            value = table[column.name]
            if not column.nullable:
                yield f"{column.name}_missing", (value.isnull(), f"{column.in_file} is missing")
            if column.minimum is not None:
                low = (value < column.minimum).fill_null(False)
                yield f"{column.name}_low", (low, f"{column.in_file} is below {column.minimum:g}")
            if column.maximum is not None:
                high = (value > column.maximum).fill_null(False)
                yield f"{column.name}_high", (high, f"{column.in_file} is above {column.maximum:g}")
            if column.step is not None:
                off = ((value / column.step) != (value / column.step).round()).fill_null(False)
                yield f"{column.name}_step", (off, f"{column.in_file} is no multiple of {column.step:g}")

    def _duplicates(self, table: ir.Table) -> list[str]:
        if not self.key:
            return []
        grouped = table.group_by(list(self.key)).aggregate(times_=table.count())
        twice = grouped.filter(grouped.times_ > 1)
        count = twice.count().execute()
        if not count:
            return []
        names = {c.name: c.in_file for c in self.columns}
        first = twice.order_by(list(self.key)).limit(SHOWN_ROWS).to_pyarrow().to_pylist()
        shown = ", ".join(
            " ".join(f"{names[k]} {row[k]}" for k in self.key) + f" ({row['times_']} rows)"
            for row in first
        )
        return [f"{count:,} × more than one row for {' and '.join(names[k] for k in self.key)}: {shown}"]

    def _remedy(self, broken: list[str]) -> str:
        remedies = {c.remedy for c in self.columns if any(b.startswith(f"{c.name}_") for b in broken)}
        return " ".join(sorted(remedies)) or "Keep one row of each."


def _fits(found: dt.DataType, wanted: pa.DataType) -> bool:
    if pa.types.is_integer(wanted):
        return found.is_integer()
    if pa.types.is_floating(wanted):
        return found.is_numeric() and not found.is_boolean()
    return found.is_string() or found.is_null()


def _canonical(value: ir.Column, column: Column) -> ir.Column:
    kind = dt.dtype(str(column.type)) if not pa.types.is_string(column.type) else dt.string
    value = value.cast(kind)
    return value.nullif(float("nan")) if pa.types.is_floating(column.type) else value


def _describe(
    table: ir.Table, name: str, rule: tuple[ir.BooleanColumn, str], count: int
) -> str:
    broken, text = rule
    numbered = table.mutate(row_=ibis.row_number(), broken_=broken)
    bad = numbered.filter(numbered.broken_).drop("broken_").limit(SHOWN_ROWS)
    rows = bad.to_pyarrow().to_pylist()
    shown = ", ".join(_row(row) for row in rows)
    return f"{text} in {count:,} rows, first at {shown}"


def _row(row: dict[str, object]) -> str:
    number = row.pop("row_")
    cells = ", ".join(f"{k} {v}" for k, v in list(row.items())[:4])
    return f"row {int(str(number)) + 1} ({cells})"

"""The contract of a table: columns, types, ranges, keys.

Files at the interface keep the SPEC's column names (``movieId``); here is the one
place where they become the code's names (``movie_id``), and back on writing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import pyarrow as pa
from ibis.backends import BaseBackend

from reelgraph.core.table_engine import read_parquet
from reelgraph.runtime.atomic_io import RERUN_HINT, missing_artifact_error
from reelgraph.runtime.errors import ArtifactError, InputError
from reelgraph.schemas.columns import Column
from reelgraph.schemas.row_validation import RowLocator, RowValidator, Rule, format_row_number

BIGGEST = 2**63 - 1


@dataclass(frozen=True)
class Contract:
    """What a table file must look like."""

    columns: tuple[Column, ...]
    key: tuple[str, ...] = field(default=())
    """Columns, by their names in code, that identify a row."""
    optional: tuple[Column, ...] = ()
    """Columns that a file may lack; where it has them, they come last."""

    def with_optional(self, names: Collection[str]) -> Contract:
        """Return the contract of a file with these columns: the optional ones among them are a must."""
        there = tuple(c for c in self.optional if c.name_in_file in names)
        return replace(self, columns=self.columns + there, optional=())

    @property
    def file_schema(self) -> pa.Schema:
        """Arrow schema of the file as this project writes it."""
        return pa.schema([pa.field(c.name_in_file, c.type) for c in self.columns])

    def to_file(self, table: ir.Table) -> ir.Table:
        """Select the contract's columns under their file names."""
        return table.select(**{c.name_in_file: table[c.name] for c in self.columns})

    def validate(self, table: ir.Table, where: str, locate: RowLocator = format_row_number) -> ir.Table:
        """Check a table from outside; return it with the code's names and types.

        Extra columns are dropped. The table is scanned once for the values and
        once for the key, and again only to show the rows that break the contract.

        Args:
            table: rows as they came, in the file's order, with the file's names.
            where: the file, for errors.
            locate: names a row of that file.

        Raises:
            InputError: columns are missing or of a wrong type, there are no rows, or
                rows break a rule.
        """
        if self.optional:
            return self.with_optional(table.columns).validate(table, where, locate)
        self._check_columns(table, where)
        raw = table.select(**{c.name_in_file: _comparable(c, table[c.name_in_file]) for c in self.columns})
        rules = [rule for column in self.columns for rule in _rules(column, raw[column.name_in_file])]
        names = {c.name: c.name_in_file for c in self.columns}
        RowValidator(raw, where, locate).check(rules, [names[name] for name in self.key])
        return self._named(raw)

    def open_artifact(self, connection: BaseBackend, path: Path | str) -> ir.Table:
        """Open a file that an earlier stage wrote, lazily, with the code's names; check it again.

        Raises:
            ArtifactError: the file is missing, its columns or types are not what the project
                writes, or rows break a rule.
        """
        if not Path(path).is_file():
            raise missing_artifact_error(path)
        try:
            table = read_parquet(connection, path)
        except InputError as error:
            raise ArtifactError(str(path), error.expected, error.got, RERUN_HINT) from None
        if self.optional:
            return self.with_optional(table.columns).open_artifact(connection, path)
        found, wanted = table.schema().to_pyarrow(), self.file_schema
        if found.names != wanted.names or found.types != wanted.types:
            raise ArtifactError(str(path), f"the columns {_columns(wanted)}", _columns(found), RERUN_HINT)
        try:
            return self.validate(table, str(path))
        except InputError as error:
            raise ArtifactError(error.where, error.expected, error.got, RERUN_HINT) from None

    def _named(self, table: ir.Table) -> ir.Table:
        return table.select(**{c.name: table[c.name_in_file].cast(_ibis_type(c.type)) for c in self.columns})

    def _check_columns(self, table: ir.Table, where: str) -> None:
        schema = table.schema()
        wrong = [
            c
            for c in self.columns
            if c.name_in_file not in schema.names or not _fits(c, schema[c.name_in_file])
        ]
        if not wrong:
            return
        got = [f"column {c.name_in_file} of type {schema[c.name_in_file]}" if c.name_in_file in schema.names
               else f"no column {c.name_in_file}" for c in wrong]  # fmt: skip
        wanted = ", ".join(f"{c.name_in_file} ({c.type})" for c in self.columns)
        remedies = dict.fromkeys(c.remedy for c in wrong)
        raise InputError(where, f"the columns {wanted}", "; ".join(got),
                         f"The file has {', '.join(schema.names)}. {' '.join(remedies)}")  # fmt: skip


def _fits(column: Column, found: dt.DataType) -> bool:
    """Tell whether a file's type can be read as this column.

    Years with gaps arrive from pandas as floats, hence floats for nullable
    integers; ids as floats are refused, since large ones have lost digits.
    """
    if found.is_null():
        return column.nullable
    if pa.types.is_string(column.type):
        return found.is_string()
    if pa.types.is_boolean(column.type):
        return found.is_boolean()
    if pa.types.is_integer(column.type) and not column.nullable:
        return found.is_integer()
    return found.is_numeric() and not found.is_boolean()


def _comparable(column: Column, value: ir.Column) -> ir.Value:
    """Return the file's values in a type that every rule can be asked of; NaN is missing."""
    if value.type().is_null():
        return value.cast(_ibis_type(column.type))
    if pa.types.is_floating(column.type) or value.type().is_floating() or value.type().is_decimal():
        return _nan_to_null(value.cast("float64"))
    return value


def _rules(column: Column, value: ir.Column) -> Iterator[Rule]:
    """Yield what the column's values must not be."""
    if not column.nullable:
        yield _rule(column, value.isnull(), "missing")
    # Whole numbers are held against whole numbers: as floats they would take twice the time.
    bound = int if value.type().is_integer() else float
    if column.minimum is not None:
        yield _rule(column, value < bound(column.minimum), f"below {column.minimum:.12g}")
    if column.maximum is not None:
        yield _rule(column, value > bound(column.maximum), f"above {column.maximum:.12g}")
    elif value.type().is_unsigned_integer():
        yield _rule(column, value > BIGGEST, f"above {BIGGEST}")
    if column.step is not None:
        # What is over is NaN for infinity, which is out of range already.
        over = _nan_to_null(value.cast("float64") % column.step)
        yield _rule(column, over != 0, f"no multiple of {column.step:g}")


def _rule(column: Column, broken: ir.BooleanValue, problem: str) -> Rule:
    return Rule(broken, f"{column.name_in_file} is {problem}", column.remedy)


def _nan_to_null(value: ir.Value) -> ir.Value:
    # Not nullif: DuckDB trusts parquet's statistics, which leave NaN out, and finds nothing equal to it.
    return ibis.ifelse(value.isnan(), ibis.null("float64"), value)


def _columns(schema: pa.Schema) -> str:
    return ", ".join(f"{name} ({kind})" for name, kind in zip(schema.names, schema.types, strict=True))


def _ibis_type(kind: pa.DataType) -> dt.DataType:
    return dt.DataType.from_pyarrow(kind)

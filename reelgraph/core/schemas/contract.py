"""The contract of a table: columns, types, ranges and keys.

Files have the published column names (``movieId``), and the code has its own (``movie_id``). A contract
translates between the two, on reading and on writing.
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

from reelgraph.core.schemas.columns import Column
from reelgraph.core.schemas.row_validation import RowLocator, RowValidator, Rule, format_row_number
from reelgraph.core.table_engine import read_parquet
from reelgraph.runtime.atomic_io import RERUN_HINT, missing_artifact_error
from reelgraph.runtime.errors import ArtifactError, InputError

MAX_INT64 = 2**63 - 1


@dataclass(frozen=True)
class Contract:
    """What a table file must look like."""

    columns: tuple[Column, ...]
    key: tuple[str, ...] = field(default=())
    """Columns, by their names in the code, that identify a row."""
    optional: tuple[Column, ...] = ()
    """Columns that a file may lack; they come last."""

    @property
    def file_schema(self) -> pa.Schema:
        """Arrow schema of the files that reelgraph writes."""
        return pa.schema([pa.field(column.name_in_file, column.type) for column in self.columns])

    def with_optional(self, names: Collection[str]) -> Contract:
        """Return the contract of a file with these columns, in which its optional ones are required.

        Args:
            names: columns of the file, under their names in the file or in the code.
        """
        present = tuple(column for column in self.optional if {column.name, column.name_in_file} & set(names))
        return replace(self, columns=self.columns + present, optional=())

    def to_file(self, table: ir.Table) -> ir.Table:
        """Select the contract's columns under their names in the file."""
        return table.select(**{column.name_in_file: table[column.name] for column in self.columns})

    def validate(self, table: ir.Table, where: str, locate: RowLocator = format_row_number) -> ir.Table:
        """Validate a table of the user; return it with the names and types of the code.

        Extra columns are dropped. The table is scanned once for the values and once for the key, and again
        only to show the rows that violate the contract.

        Args:
            table: rows in the order of the file, with the names of the file.
            where: the file, for errors.
            locate: describes the location of a row in that file.

        Raises:
            InputError: columns are missing or of the wrong type, there are no rows, or rows violate a rule.
        """
        if self.optional:
            return self.with_optional(table.columns).validate(table, where, locate)
        absent = [c for c in self.columns if c.may_be_absent and c.name_in_file not in table.columns]
        table = table.mutate(**{c.name_in_file: ibis.null(_ibis_type(c.type)) for c in absent})
        self._check_columns(table, where)
        selected = table.select(
            **{
                column.name_in_file: _comparable(column, table[column.name_in_file])
                for column in self.columns
            }
        )
        rules = [rule for column in self.columns for rule in _rules(column, selected[column.name_in_file])]
        names_in_file = {column.name: column.name_in_file for column in self.columns}
        RowValidator(selected, where, locate).check(rules, [names_in_file[name] for name in self.key])
        return selected.select(
            **{
                column.name: selected[column.name_in_file].cast(_ibis_type(column.type))
                for column in self.columns
            }
        )

    def open_artifact(self, connection: BaseBackend, path: Path | str) -> ir.Table:
        """Open and validate a file that an earlier stage wrote, lazily, with the names of the code.

        Raises:
            ArtifactError: the file is missing, has other columns or types, or rows violate a rule.
        """
        if not Path(path).is_file():
            raise missing_artifact_error(path)
        try:
            table = read_parquet(connection, path)
        except InputError as error:
            raise ArtifactError(str(path), error.expected, error.got, RERUN_HINT) from None
        if self.optional:
            return self.with_optional(table.columns).open_artifact(connection, path)
        schema = table.schema().to_pyarrow()
        expected = self.file_schema
        if schema.names != expected.names or schema.types != expected.types:
            message = f"the columns {_format_columns(expected)}"
            raise ArtifactError(str(path), message, _format_columns(schema), RERUN_HINT)
        try:
            return self.validate(table, str(path))
        except InputError as error:
            raise ArtifactError(error.where, error.expected, error.got, RERUN_HINT) from None

    def _check_columns(self, table: ir.Table, where: str) -> None:
        schema = table.schema()
        invalid = []
        problems = []
        for column in self.columns:
            name = column.name_in_file
            if name not in schema.names:
                problems.append(f"no column {name}")
            elif not _is_compatible(column, schema[name]):
                problems.append(f"column {name} of type {schema[name]}")
            else:
                continue
            invalid.append(column)
        if invalid:
            expected = ", ".join(f"{column.name_in_file} ({column.type})" for column in self.columns)
            remedies = dict.fromkeys(column.remedy for column in invalid)
            raise InputError(where, f"the columns {expected}", "; ".join(problems),
                             f"The file has {', '.join(schema.names)}. {' '.join(remedies)}")  # fmt: skip


def _is_compatible(column: Column, file_type: dt.DataType) -> bool:
    """Return whether a column of this type in a file can be read as ``column``.

    pandas writes years with gaps as floats, hence floats are accepted for nullable integers. Ids as floats
    are rejected, since large ones have lost digits.
    """
    if file_type.is_null():
        return column.nullable
    if pa.types.is_string(column.type):
        return file_type.is_string()
    if pa.types.is_boolean(column.type):
        return file_type.is_boolean()
    if pa.types.is_integer(column.type) and not column.nullable:
        return file_type.is_integer()
    return file_type.is_numeric() and not file_type.is_boolean()


def _comparable(column: Column, value: ir.Column) -> ir.Value:
    """Return the values in a type to which all rules apply; NaN becomes null."""
    if value.type().is_null():
        return value.cast(_ibis_type(column.type))
    if pa.types.is_floating(column.type) or value.type().is_floating() or value.type().is_decimal():
        return _nan_to_null(value.cast("float64"))
    return value


def _rules(column: Column, value: ir.Column) -> Iterator[Rule]:
    """Yield the conditions that no value of the column may satisfy."""

    def rule(violated: ir.BooleanValue, problem: str) -> Rule:
        return Rule(violated, f"{column.name_in_file} is {problem}", column.remedy)

    if not column.nullable:
        yield rule(value.isnull(), "missing")
    # Integers are compared with integers: as floats it would take twice the time.
    bound = int if value.type().is_integer() else float
    if column.minimum is not None:
        yield rule(value < bound(column.minimum), f"below {column.minimum:.12g}")
    if column.maximum is not None:
        yield rule(value > bound(column.maximum), f"above {column.maximum:.12g}")
    elif value.type().is_unsigned_integer():
        yield rule(value > MAX_INT64, f"above {MAX_INT64}")
    if column.step is not None:
        # The remainder of infinity is NaN, and infinity is out of range already.
        remainder = _nan_to_null(value.cast("float64") % column.step)
        yield rule(remainder != 0, f"not a multiple of {column.step:g}")


def _nan_to_null(value: ir.Value) -> ir.Value:
    # Not nullif: DuckDB relies on parquet's statistics, which ignore NaN, and would find no equal value.
    return ibis.ifelse(value.isnan(), ibis.null("float64"), value)


def _format_columns(schema: pa.Schema) -> str:
    return ", ".join(f"{name} ({kind})" for name, kind in zip(schema.names, schema.types, strict=True))


def _ibis_type(arrow_type: pa.DataType) -> dt.DataType:
    return dt.DataType.from_pyarrow(arrow_type)

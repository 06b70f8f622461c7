"""The files of a user's table, parquet or CSV, as Arrow batches in the order of their rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from reelgraph.core.table_engine import BATCH_ROWS
from reelgraph.runtime.atomic_io import PARQUET_ERRORS
from reelgraph.runtime.errors import InputError
from reelgraph.sources.delimited import DelimitedFile, line_in_files, read_batches, read_header

CSV_SUFFIXES = (".csv", ".tsv", ".txt")

DELIMITERS = (",", ";", "\t")

PARQUET_MAGIC = b"PAR1"


@dataclass(frozen=True)
class TableFiles:
    """One file, or the files of a folder by name."""

    paths: tuple[Path, ...]
    csv_files: tuple[DelimitedFile, ...]
    """One for each path, whose columns are all read as text; empty for parquet."""
    column_names: tuple[str, ...]
    """All columns of the first file."""

    def read_batches(self, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield the rows of some columns, file by file; dictionaries and views of text become text.

        Raises:
            InputError: a file is damaged, or a row of a CSV file has too few or too many cells.
        """
        for path in () if self.csv_files else self.paths:
            yield from _read_parquet(path, names)
        for file in self.csv_files:
            selected = DelimitedFile(file.path, dict.fromkeys(names, pa.string()), file.delimiter)
            yield from read_batches(selected)

    def locate(self, row: int) -> str:
        """Name the location of a row, counted from 0: its line in a CSV file, otherwise its number."""
        return line_in_files(self.csv_files, row) if self.csv_files else f"row {row + 1:,}"


def find_csv_paths(location: str) -> tuple[Path, ...]:
    """Return the CSV files that a path names: itself, or those in a folder; none for parquet."""
    path = Path(location)
    if path.is_dir() and not any(path.glob("*.parquet")):
        return tuple(sorted(file for file in path.iterdir() if file.suffix.lower() in CSV_SUFFIXES))
    return (path,) if path.suffix.lower() in CSV_SUFFIXES else ()


def check_file_kind(location: str) -> None:
    """Check that a file without the ending of a CSV file is parquet, by its ending or its first bytes.

    Raises:
        InputError: it is another kind of file, such as a spreadsheet or an archive.
    """
    path = Path(location)
    if not path.is_file() or path.suffix.lower() == ".parquet":
        return
    with path.open("rb") as file:
        if file.read(len(PARQUET_MAGIC)) != PARQUET_MAGIC:
            expected = f"a parquet file, or a CSV file named {', '.join(CSV_SUFFIXES)}"
            raise InputError(location, expected, "another kind of file", "Save or extract it as one of them.")


def open_csv_files(paths: Sequence[Path], known: Sequence[str], required: Sequence[str]) -> TableFiles:
    """Open CSV files whose header names the columns; the cells are separated by a comma, semicolon or tab.

    Args:
        paths: the files.
        known: columns to read where the files have them.
        required: columns that each file must have.

    Raises:
        InputError: a file is missing or empty, or lacks a required column; or headers differ.
    """
    files = [_detect_delimiter(path, required) for path in paths]
    headers = [read_header(file) for file in files]
    for path, header in zip(paths, headers, strict=True):
        if repeated := sorted({name for name in header if header.count(name) > 1} & set(known)):
            raise InputError(f"{path}: line 1", "each column once", f"{', '.join(repeated)} more than once",
                             "Drop or rename one of them.")  # fmt: skip
        if set(header) != set(headers[0]):
            expected = f"the columns of {paths[0].name}: {', '.join(headers[0])}"
            raise InputError(str(path), expected, ", ".join(header),
                             "Write all files of the folder with the same columns.")  # fmt: skip
    return TableFiles(tuple(paths), tuple(files), headers[0])


def open_parquet_files(location: str) -> TableFiles:
    """Open parquet files that the table engine has opened before, which checked that they are readable."""
    path = Path(location)
    paths = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
    return TableFiles(tuple(paths), (), tuple(pq.read_schema(paths[0]).names))


def _detect_delimiter(path: Path, required: Sequence[str]) -> DelimitedFile:
    """Return the file with the delimiter under which its header has the required columns."""
    columns = dict.fromkeys(required, pa.string())
    for delimiter in DELIMITERS:
        header = read_header(DelimitedFile(path, {}, delimiter))
        if set(required) <= set(header):
            return DelimitedFile(path, columns, delimiter)
    return DelimitedFile(path, columns)


def _read_parquet(path: Path, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(BATCH_ROWS, columns=list(names)):
                columns = [_plain_text(batch.column(name)) for name in names]
                yield pa.record_batch(columns, names=list(names))
    except PARQUET_ERRORS as error:
        raise InputError(str(path), "a readable parquet file", str(error).splitlines()[0],
                         "Write it again, for example with pandas' to_parquet.") from error  # fmt: skip


def _plain_text(column: pa.Array) -> pa.Array:
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    return column.cast(pa.string()) if is_text(kind) else column


def is_text(kind: pa.DataType) -> bool:
    """Return whether the type is one of Arrow's types of text."""
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)

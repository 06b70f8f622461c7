"""Delimited text files as Arrow batches, with errors that name file, line and column.

pyarrow's streaming reader with strict types reads the file; memory stays at a few blocks whatever
its size. Only if it fails does a slower pass with Python's ``csv`` find the line and column.
DuckDB's reader does not replace this pass. It rounds 1.5 in an integer column instead of rejecting
it, and the lines in its rejects table do not count line breaks within quoted cells.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.csv as pa_csv

from reelgraph.runtime.errors import InputError

BLOCK_BYTES = 16 << 20
"""Bytes read at once. A row must fit into a block, so this limits the longest overview or cast."""

UNIT_SEPARATOR = "\x1f"
"""Replaces a delimiter of two characters, since pyarrow supports one character only."""

MAX_QUOTED_CHARS = 60
"""Longest part of a cell that an error message quotes."""

MAX_REPORTED_ROWS = 10
"""Largest number of malformed rows that an error message locates."""

MAX_SCANNED_ROWS = 1_000_000
"""Rows after the first malformed one that are searched for others; more would take minutes."""

MAX_CELL_CHARS = 1 << 24

INT64_RANGE = range(-(2**63), 2**63)

INTEGER = re.compile(r"[ \t]*-?[0-9]{1,19}[ \t]*")


@dataclass(frozen=True)
class DelimitedFile:
    """Path and format of a delimited file."""

    path: Path
    columns: dict[str, pa.DataType]
    """Columns to read: int64, float64 or string. Blank numbers are null, blank text is ''."""
    delimiter: str = ","
    names: tuple[str, ...] = ()
    """Names of all columns where the file has no header."""
    encoding: str = "utf-8"

    @property
    def quoted(self) -> bool:
        """Whether cells may be quoted: in comma-separated files only."""
        return self.delimiter == ","

    @property
    def schema(self) -> pa.Schema:
        """Schema of the batches."""
        return pa.schema(list(self.columns.items()))


def read_batches(
    file: DelimitedFile, on_skipped_row: Callable[[], None] | None = None
) -> Iterator[pa.RecordBatch]:
    """Yield the file's rows in their order.

    Args:
        file: the file to read.
        on_skipped_row: called for each row with too few or too many cells, which is then
            skipped. Without it such a row is an error.

    Raises:
        InputError: the file is missing or empty, lacks a column, is not in its
            encoding, or has a malformed row or cell (named by line and column).
    """
    names = read_header(file)
    parse = pa_csv.ParseOptions(
        delimiter=file.delimiter if len(file.delimiter) == 1 else UNIT_SEPARATOR,
        quote_char='"' if file.quoted else False,
        newlines_in_values=file.quoted,
        invalid_row_handler=_skip_handler(on_skipped_row) if on_skipped_row else None,
    )
    convert = pa_csv.ConvertOptions(column_types=file.columns, include_columns=list(file.columns),
                                    null_values=[""], strings_can_be_null=False)  # fmt: skip
    header_rows = 0 if file.names else 1
    try:
        for stream in _open_streams(file):
            read = pa_csv.ReadOptions(block_size=BLOCK_BYTES, column_names=list(names), skip_rows=header_rows)
            yield from _parse_batches(stream, read, parse, convert)
            header_rows = 0
    except pa.ArrowInvalid as error:
        raise locate_csv_error(file, names, error) from None


def read_table(file: DelimitedFile, on_skipped_row: Callable[[], None] | None = None) -> pa.Table:
    """Read a small file, such as a list of movies, at once; arguments and errors as in ``read_batches``."""
    return pa.Table.from_batches(read_batches(file, on_skipped_row), schema=file.schema)


def read_header(file: DelimitedFile) -> tuple[str, ...]:
    """Return the names of the file's columns.

    Raises:
        InputError: the file is missing or empty, lacks a required column, or its header is not
            in its encoding.
    """
    if not file.path.is_file():
        raise InputError(str(file.path), "a file", "none", "Check the path.")
    first_row = next(iterate_rows(file), None)
    if first_row is None:
        raise InputError(str(file.path), "at least one line", "an empty file", "Download the file again.")
    names = file.names or tuple(first_row[1])
    if undecodable := [name for name in names if _has_undecoded_bytes(name)]:
        raise InputError(f"{file.path}: line 1", f"text in {file.encoding}", ascii(undecodable[0]),
                         "Save the file in that encoding.")  # fmt: skip
    missing = [name for name in file.columns if name not in names]
    if missing:
        raise InputError(f"{file.path}: line 1", f"the columns {', '.join(file.columns)}",
                         f"no column {', '.join(missing)} in {file.delimiter.join(names)!r}",
                         f"Separate the columns by {file.delimiter!r} and use these names.")  # fmt: skip
    return names


def detect_encoding(path: Path) -> str:
    """Return utf-8 or latin-1: 100K and 1M are Latin-1, later editions and some mirrors UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with path.open("rb") as stream:
            while block := stream.read(BLOCK_BYTES):
                decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "latin-1"
    except FileNotFoundError:
        pass
    return "utf-8"


def iterate_rows(file: DelimitedFile) -> Iterator[tuple[int, list[str]]]:
    """Yield the line number, from 1, and the cells of each row, header included; skip blank lines.

    Bytes outside the encoding become lone surrogates.
    """
    encoding = "utf-8-sig" if file.encoding == "utf-8" else file.encoding
    csv.field_size_limit(MAX_CELL_CHARS)
    with file.path.open(newline="", encoding=encoding, errors="surrogateescape") as stream:
        if file.quoted:
            reader = csv.reader(stream, delimiter=file.delimiter)
            line = 1
            for cells in reader:
                if cells:
                    yield line, cells
                line = reader.line_num + 1
            return
        for line, text in enumerate(stream, start=1):
            if stripped := text.rstrip("\r\n"):
                yield line, stripped.split(file.delimiter)


def line_of_row(file: DelimitedFile, row: int) -> str:
    """Name the line of a data row, counted from 0, as an editor shows it."""
    header_rows = 0 if file.names else 1
    for index, (line, _) in enumerate(iterate_rows(file), start=-header_rows):
        if index == row:
            return f"line {line:,}"
    return f"row {row + 1:,}"


def line_in_files(files: Sequence[DelimitedFile], row: int) -> str:
    """Name the line of a data row of concatenated files; with several files, the file too."""
    if len(files) == 1:
        return line_of_row(files[0], row)
    for file in files:
        count = sum(1 for _ in iterate_rows(file)) - (0 if file.names else 1)
        if row < count:
            return f"{file.path.name} {line_of_row(file, row)}"
        row -= count
    return f"row {row + 1:,}"


def locate_csv_error(file: DelimitedFile, names: tuple[str, ...], error: pa.ArrowInvalid) -> InputError:
    """Return an error with the first malformed row, and the positions of the next ones.

    Args:
        file: the file that pyarrow failed to read.
        names: names of all its columns.
        error: pyarrow's error, which is reported if no malformed row is found.
    """
    row_errors: list[_RowError] = []
    remedy = "Export the file again."
    try:
        for row_error in islice(_row_errors(file, names), MAX_REPORTED_ROWS):
            row_errors.append(row_error)
    except csv.Error as csv_error:
        if not row_errors:
            return InputError(str(file.path), "a readable table", str(csv_error), remedy)
    if not row_errors:
        cause = str(error).splitlines()[0][:200]
        return InputError(str(file.path), f"a table separated by {file.delimiter!r}", cause, remedy)
    first, *further = row_errors
    also = f" (also {'; '.join(row_error.position for row_error in further)})" if further else ""
    return InputError(f"{file.path}: {first.position}", first.expected, f"{first.got}{also}", first.remedy)


class _RowError(NamedTuple):
    """The first violation in a row; the fields are those of ``InputError``, without the file."""

    position: str
    expected: str
    got: str
    remedy: str


def _row_errors(file: DelimitedFile, names: tuple[str, ...]) -> Iterator[_RowError]:
    """Yield an error for each malformed row, at most ``MAX_SCANNED_ROWS`` after the first."""
    rows_left: int | None = None
    for index, (line, cells) in enumerate(iterate_rows(file)):
        is_header = index == 0 and not file.names
        if not is_header and (row_error := _row_error(file, names, line, cells)):
            rows_left = MAX_SCANNED_ROWS if rows_left is None else rows_left
            yield row_error
        if rows_left is not None:
            rows_left -= 1
            if rows_left < 0:
                return


def _row_error(file: DelimitedFile, names: tuple[str, ...], line: int, cells: list[str]) -> _RowError | None:
    position = f"line {line:,}"
    if len(cells) != len(names):
        return _RowError(position, f"{len(names)} cells ({', '.join(names)})",
                         f"{len(cells)}: {_quote(file.delimiter.join(cells))}",
                         "Correct the line, or quote cells that contain the delimiter.")  # fmt: skip
    cell_of_column = dict(zip(names, cells, strict=True))
    for column, dtype in file.columns.items():
        cell = cell_of_column[column]
        if expected := _violated_format(cell, dtype, file.encoding):
            remedy = "Save the file in that encoding." if _has_undecoded_bytes(cell) else "Correct the cell."
            return _RowError(f"{position}, column {column}", expected, _quote(cell), remedy)
    return None


def _violated_format(cell: str, dtype: pa.DataType, encoding: str) -> str:
    """Return the format that a cell violates; empty if it is valid."""
    if _has_undecoded_bytes(cell):
        return f"text in {encoding}"
    if not cell or pa.types.is_string(dtype):
        return ""
    if pa.types.is_integer(dtype):
        return "" if INTEGER.fullmatch(cell) and int(cell) in INT64_RANGE else "a whole number (64 bits)"
    return "" if _is_number(cell) else "a number"


def _has_undecoded_bytes(cell: str) -> bool:
    """Return whether ``iterate_rows`` found bytes outside the encoding in the cell."""
    return any("\udc80" <= char <= "\udcff" for char in cell)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell


def _quote(text: str) -> str:
    quoted = ascii(text) if any("\ud800" <= char <= "\udfff" for char in text) else repr(text)
    return quoted if len(quoted) <= MAX_QUOTED_CHARS else f"{quoted[:MAX_QUOTED_CHARS]}…"


def _skip_handler(on_skipped_row: Callable[[], None]) -> Callable[[pa_csv.InvalidRow], str]:
    def skip(row: pa_csv.InvalidRow) -> str:
        on_skipped_row()
        return "skip"

    return skip


def _open_streams(file: DelimitedFile) -> Iterator[pa.NativeFile]:
    """Yield the whole file if cells may contain line breaks, otherwise blocks of lines, in UTF-8.

    Arrow reads ahead in a thread of its own. It must not call Python there: the thread may outlive the
    interpreter, which then never ends. So no stream is a Python object.
    """
    if file.quoted:
        with pa.OSFile(str(file.path)) as stream:
            yield stream
        return
    with file.path.open("rb") as lines:
        while block := b"".join(lines.readlines(BLOCK_BYTES)):
            if len(file.delimiter) > 1:
                block = block.replace(file.delimiter.encode(), UNIT_SEPARATOR.encode())
            if file.encoding != "utf-8":
                block = block.decode(file.encoding).encode()
            yield pa.BufferReader(block)


def _parse_batches(
    stream: pa.NativeFile,
    read: pa_csv.ReadOptions,
    parse: pa_csv.ParseOptions,
    convert: pa_csv.ConvertOptions,
) -> Iterator[pa.RecordBatch]:
    """Yield the batches of a stream, none if it has blank lines only."""
    try:
        with pa_csv.open_csv(stream, read, parse, convert) as reader:
            yield from reader
    except pa.ArrowInvalid as error:
        if "Empty CSV file" not in str(error):
            raise

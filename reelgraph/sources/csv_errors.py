"""The slow reader of delimited files: finds the line and column that the fast one refused."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from reelgraph.runtime.errors import InputError

if TYPE_CHECKING:
    from reelgraph.sources.delimited import DelimitedFile

SHOWN_CHARS = 60

LONGEST_CELL = 1 << 24

INT64 = range(-(2**63), 2**63)

WHOLE = re.compile(r"[ \t]*-?[0-9]{1,19}[ \t]*")


def iterate_rows(file: DelimitedFile) -> Iterator[tuple[int, list[str]]]:
    """Yield the line number, from 1, and the cells of each row; blank lines are passed over.

    Bytes outside the encoding become lone surrogates instead of stopping the reader.
    """
    encoding = "utf-8-sig" if file.encoding == "utf-8" else file.encoding
    csv.field_size_limit(LONGEST_CELL)
    with file.path.open(newline="", encoding=encoding, errors="surrogateescape") as handle:
        if file.quoted:
            reader = csv.reader(handle, delimiter=file.delimiter)
            line = 1
            for cells in reader:
                if cells:
                    yield line, cells
                line = reader.line_num + 1
            return
        for line, text in enumerate(handle, start=1):
            if stripped := text.rstrip("\r\n"):
                yield line, stripped.split(file.delimiter)


def line_of_row(file: DelimitedFile, row: int) -> str:
    """Name the line of a data row, counted from 0, in the file as an editor shows it."""
    first = 0 if file.names else 1
    for number, (line, _) in enumerate(iterate_rows(file), start=-first):
        if number == row:
            return f"line {line:,}"
    return f"row {row + 1:,}"


def line_in_files(files: Sequence[DelimitedFile], row: int) -> str:
    """Name the line of a data row of files that were read as one, and of several the file too."""
    if len(files) == 1:
        return line_of_row(files[0], row)
    for file in files:
        count = sum(1 for _ in iterate_rows(file)) - (0 if file.names else 1)
        if row < count:
            return f"{file.path.name} {line_of_row(file, row)}"
        row -= count
    return f"row {row + 1:,}"


def locate_csv_error(file: DelimitedFile, names: tuple[str, ...], error: pa.ArrowInvalid) -> InputError:
    """Return the error for the first row that breaks the file's layout.

    Args:
        file: the file that the fast reader refused.
        names: all its columns.
        error: what the fast reader said; it serves where the slow one finds nothing.
    """
    try:
        for number, (line, cells) in enumerate(iterate_rows(file)):
            if (number or file.names) and (found := _problem(file, names, line, cells)):
                return found
    except csv.Error as problem:
        return InputError(str(file.path), "a readable table", str(problem), "Write the file again.")
    return InputError(str(file.path), f"a table separated by {file.delimiter!r}",
                      str(error).splitlines()[0][:200], "Write the file again.")  # fmt: skip


def _problem(file: DelimitedFile, names: tuple[str, ...], line: int, cells: list[str]) -> InputError | None:
    where = f"{file.path}: line {line:,}"
    if len(cells) != len(names):
        return InputError(where, f"{len(names)} cells ({', '.join(names)})",
                          f"{len(cells)}: {_short(file.delimiter.join(cells))}",
                          "Correct the line, or quote cells that hold the separator.")  # fmt: skip
    named = dict(zip(names, cells, strict=True))
    for column, kind in file.columns.items():
        if wanted := _expected(named[column], kind, file.encoding):
            return InputError(f"{where}, column {column}", wanted, _short(named[column]),
                              "Correct the cell.")  # fmt: skip
    return None


def _expected(cell: str, kind: pa.DataType, encoding: str) -> str:
    """Say what a cell should have been; nothing where it is fine."""
    if has_undecoded_bytes(cell):
        return f"text in {encoding}"
    if not cell or pa.types.is_string(kind):
        return ""
    if pa.types.is_integer(kind):
        return "" if WHOLE.fullmatch(cell) and int(cell) in INT64 else "a whole number (64 bits)"
    return "" if _is_number(cell) else "a number"


def has_undecoded_bytes(cell: str) -> bool:
    """Tell whether ``rows`` met bytes outside the encoding in the cell."""
    return any("\udc80" <= sign <= "\udcff" for sign in cell)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell


def _short(text: str) -> str:
    shown = ascii(text) if any("\ud800" <= sign <= "\udfff" for sign in text) else repr(text)
    return shown if len(shown) <= SHOWN_CHARS else f"{shown[:SHOWN_CHARS]}…"

"""Delimited text files as Arrow batches: read fast, and read again slowly to name a bad cell.

The fast path is pyarrow's streaming reader with strict types; memory stays at a few
blocks whatever the size of the file. Only when it refuses does ``bad_cells`` look for
the line.
"""

from __future__ import annotations

import codecs
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pc

from reelgraph.runtime.errors import InputError
from reelgraph.sources import csv_errors

BLOCK_BYTES = 16 << 20
"""Read at once; a row must fit into it, so this bounds the longest overview or cast."""

UNIT = "\x1f"
"""Stands for a separator of two characters while pyarrow, which knows one only, reads."""


@dataclass(frozen=True)
class DelimitedFile:
    """Where a delimited file lies and how its lines are made."""

    path: Path
    columns: dict[str, pa.DataType]
    """Columns to read: int64, float64 or string. Blank numbers are null, blank text is ''."""
    delimiter: str = ","
    names: tuple[str, ...] = ()
    """Names of all columns where the file has no header."""
    encoding: str = "utf-8"

    @property
    def quoted(self) -> bool:
        """Only comma-separated files quote their cells."""
        return self.delimiter == ","

    @property
    def schema(self) -> pa.Schema:
        """Types of the batches."""
        return pa.schema(list(self.columns.items()))


def read_batches(file: DelimitedFile, skipped: Callable[[], None] | None = None) -> Iterator[pa.RecordBatch]:
    """Yield the file's rows in its order.

    Args:
        file: what to read.
        skipped: called for each row with too few or too many cells, which is then
            left out; without it such a row is an error.

    Raises:
        InputError: the file is missing or empty, lacks a column, is not in its
            encoding, or a row or cell is malformed (named by line and column).
    """
    names = read_header(file)
    parse = pc.ParseOptions(
        delimiter=file.delimiter if len(file.delimiter) == 1 else UNIT,
        quote_char='"' if file.quoted else False,
        newlines_in_values=file.quoted,
        invalid_row_handler=_skipper(skipped) if skipped else None,
    )
    read = pc.ReadOptions(block_size=BLOCK_BYTES, column_names=list(names), encoding=file.encoding,
                          skip_rows=0 if file.names else 1)  # fmt: skip
    convert = pc.ConvertOptions(column_types=file.columns, include_columns=list(file.columns),
                                null_values=[""], strings_can_be_null=False)  # fmt: skip
    try:
        with _opened(file) as source, pc.open_csv(source, read, parse, convert) as reader:
            yield from reader
    except pa.ArrowInvalid as error:
        if "Empty CSV file" not in str(error):
            raise csv_errors.locate_csv_error(file, names, error) from None


def read_table(file: DelimitedFile, skipped: Callable[[], None] | None = None) -> pa.Table:
    """Read a whole file that is small, such as a list of movies; errors as in ``batches``."""
    return pa.Table.from_batches(read_batches(file, skipped), schema=file.schema)


def read_header(file: DelimitedFile) -> tuple[str, ...]:
    """Return the names of the file's columns.

    Raises:
        InputError: the file is missing or empty, lacks a wanted column, or its header is not in its encoding.
    """
    if not file.path.is_file():
        raise InputError(str(file.path), "a file", "none", "Check the folder that params.yaml names.")
    first = next(csv_errors.iterate_rows(file), None)
    if first is None:
        raise InputError(str(file.path), "at least one line", "an empty file", "Fetch the file again.")
    names = file.names or tuple(first[1])
    if wrong := [name for name in names if csv_errors.has_undecoded_bytes(name)]:
        raise InputError(f"{file.path}: line 1", f"text in {file.encoding}", ascii(wrong[0]),
                         "Save the file in that encoding.")  # fmt: skip
    lacking = [name for name in file.columns if name not in names]
    if lacking:
        raise InputError(f"{file.path}: line 1", f"the columns {', '.join(file.columns)}",
                         f"no column {', '.join(lacking)} in {file.delimiter.join(names)!r}",
                         f"Separate the columns by {file.delimiter!r} and name them so.")  # fmt: skip
    return names


def detect_encoding(path: Path) -> str:
    """Tell UTF-8 from Latin-1: 100K and 1M are Latin-1, later editions and some mirrors UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with path.open("rb") as handle:
            while block := handle.read(BLOCK_BYTES):
                decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "latin-1"
    except FileNotFoundError:
        pass
    return "utf-8"


def _skipper(skipped: Callable[[], None]) -> Callable[[pc.InvalidRow], str]:
    def skip(row: pc.InvalidRow) -> str:
        skipped()
        return "skip"

    return skip


def _opened(file: DelimitedFile) -> io.IOBase:
    raw = file.path.open("rb")
    return raw if len(file.delimiter) == 1 else _OneSign(raw, file.delimiter.encode())


class _OneSign(io.RawIOBase):
    """A file in which a separator of two bytes reads as one sign."""

    def __init__(self, raw: io.BufferedReader, separator: bytes) -> None:
        self._raw, self._separator, self._held = raw, separator, b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """Return the next block, a little shorter where separators shrank; b'' at the end."""
        fresh = self._raw.read(size if size > 0 else BLOCK_BYTES)
        block = (self._held + fresh).replace(self._separator, UNIT.encode())
        # A separator may be cut by the block's end: its first half waits for the next block.
        half = self._separator[:1]
        self._held = half if fresh and block.endswith(half) else b""
        block = block.removesuffix(half) if self._held else block
        return block or (self.read(size) if fresh else b"")

    def close(self) -> None:
        self._raw.close()
        super().close()

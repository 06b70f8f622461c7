"""Converters of single columns: ids given as text, scales of ratings, and numbers and flags as text.

A converter is made for a whole column, and then applied to its batches. What a column holds is thus decided
once, never row by row.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

import pyarrow as pa
import pyarrow.compute as pc

from reelgraph.core.rating_scale import MAX_STARS, MIN_STARS, STAR_STEP
from reelgraph.core.schemas.row_validation import RowLocator
from reelgraph.params.data import SCALES, Scale
from reelgraph.runtime.errors import InputError
from reelgraph.sources.missing_values import blank_to_null
from reelgraph.sources.table_files import is_text
from reelgraph.sources.titles import ArrowColumn

WHOLE_NUMBER = r"^(?:0|-?[1-9]\d{0,17})(?:\.0)?$"
"""A whole number without leading zeros; pandas writes 7.0 in a column with gaps."""

DECIMAL_COMMA = r"^([+-]?\d+),(\d{1,2})$"
"""A number as spreadsheets write it in much of Europe. Three digits could be thousands."""

NUMBER = r"^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,2})?$"

Counts = Counter[str]
"""What was converted → number of values."""


class CellError(Exception):
    """A cell that its column's converter cannot read."""

    def __init__(self, index: int, expected: str, got: object, remedy: str = "Correct the cell.") -> None:
        """``index`` is the cell's position in the batch; for the others see ``InputError``."""
        super().__init__(expected)
        self.index = index
        self.expected = expected
        self.got = got
        self.remedy = remedy

    def to_input_error(self, path: Path | str, locate: RowLocator, first_row: int, name: str) -> InputError:
        """Return the error with its location.

        Args:
            path: the file.
            locate: names the location of a row in it.
            first_row: number of rows before the batch.
            name: the column.
        """
        where = f"{path}: {locate(first_row + self.index)}, column {name}"
        return InputError(where, self.expected, repr(self.got), self.remedy)


@runtime_checkable
class Converter(Protocol):
    """Converts the batches of one column, and counts what it changed."""

    def convert(self, column: pa.Array, counts: Counts) -> pa.Array:
        """Return the column in the type of its contract.

        Raises:
            CellError: a cell cannot be read.
        """


@dataclass(frozen=True)
class IdConverter:
    """Reads ids: whole numbers, or any text, which is numbered in code-point order from 1."""

    name: str
    """Name of the column."""
    texts: pa.Array | None
    """The distinct ids in order, if they are numbered."""

    def convert(self, column: pa.Array, counts: Counts) -> pa.Array:
        """Return int64."""
        if not is_id(column.type) or (self.texts is None and pa.types.is_integer(column.type)):
            return column
        texts = trimmed_texts(column, self.name)
        if is_number(column.type):
            raise_first(pc.invert(pc.match_substring_regex(texts, WHOLE_NUMBER)), column, "a whole number")
        if self.texts is None:
            return pc.cast(pc.replace_substring_regex(texts, r"\.0$", ""), pa.int64())
        return pc.add(pc.cast(pc.index_in(texts, self.texts), pa.int64()), 1)


@dataclass
class IdCollector:
    """Collects the distinct ids of one or several columns, to make their converter."""

    name: str
    """Name of the columns."""
    distinct: pa.Array = field(default_factory=lambda: pa.array([], pa.string()))

    def add(self, column: pa.Array) -> None:
        """Add a batch of a column of text or numbers; other types are left to the contract."""
        if not is_id(column.type):
            return
        texts = trimmed_texts(column, self.name).unique().drop_null()
        self.distinct = pa.concat_arrays([self.distinct, texts]).unique()

    def converter(self) -> IdConverter:
        """Return the converter; texts stay numbers if all of them are whole numbers."""
        if pc.all(pc.match_substring_regex(self.distinct, WHOLE_NUMBER), min_count=0).as_py():
            return IdConverter(self.name, None)
        return IdConverter(self.name, self.distinct.take(pc.sort_indices(self.distinct)))


@dataclass(frozen=True)
class RatingConverter:
    """Reads numbers on a scale and maps them to half stars: ``5 · rating / maximum``, rounded."""

    scale: Scale

    def convert(self, column: pa.Array, counts: Counts) -> pa.Array:
        """Return stars as float64."""
        if not (is_text(column.type) or is_number(column.type)):
            return column
        numbers = read_numbers(column)
        if self.scale == "0.5-5":
            return numbers
        minimum, maximum = SCALES[self.scale]
        # Negated, so that NaN and infinity are outside.
        outside = pc.invert(pc.and_(pc.greater_equal(numbers, minimum), pc.less_equal(numbers, maximum)))
        raise_first(outside, column, f"a rating from {minimum} to {maximum}, as data.scale states",
                    "Set data.scale to the scale of the ratings.")  # fmt: skip
        steps = pc.divide(pc.multiply(numbers, MAX_STARS / STAR_STEP), float(maximum))
        rounded = pc.max_element_wise(pc.floor(pc.add(steps, 0.5)), MIN_STARS / STAR_STEP, skip_nulls=False)
        counts["ratings_from_another_scale"] += 0 if maximum == MAX_STARS else len(column) - column.null_count
        counts["ratings_rounded"] += pc.sum(pc.not_equal(rounded, steps)).as_py() or 0
        return pc.multiply(rounded, STAR_STEP)


@dataclass(frozen=True)
class FlagConverter:
    """Reads the text ``true`` or ``false``, ``1`` or ``0``, of any case."""

    def convert(self, column: pa.Array, counts: Counts) -> pa.Array:
        """Return bool."""
        if not is_text(column.type):
            return column
        texts = pc.utf8_lower(trimmed_texts(column))
        is_true = pc.is_in(texts, pa.array(["true", "1"]))
        is_flag = pc.or_(is_true, pc.is_in(texts, pa.array(["false", "0"])))
        raise_first(pc.and_(pc.invert(is_flag), pc.is_valid(texts)), column, "true or false")
        return pc.if_else(pc.is_valid(texts), is_true, pa.scalar(None, pa.bool_()))


@dataclass(frozen=True)
class NumberConverter:
    """Reads text as numbers; other types stay as they are."""

    def convert(self, column: pa.Array, counts: Counts) -> pa.Array:
        """Return float64."""
        return read_numbers(column) if is_text(column.type) else column


def trimmed_texts(column: ArrowColumn, name: str = "") -> ArrowColumn:
    """Return the column as trimmed text; blank cells and the column's markers of missing values are null."""
    texts = column if is_text(column.type) else column.cast(pa.string())
    return pc.utf8_trim_whitespace(blank_to_null(texts, name))


def read_numbers(column: pa.Array) -> pa.Array:
    """Return text or numbers as float64; blank cells and markers of missing values are null.

    Raises:
        CellError: a cell is no number.
    """
    if not is_text(column.type):
        return column.cast(pa.float64(), safe=False)
    texts = pc.replace_substring_regex(trimmed_texts(column), DECIMAL_COMMA, r"\1.\2")
    raise_first(pc.invert(pc.match_substring_regex(texts, NUMBER)), column, "a number")
    return texts.cast(pa.float64())


def raise_first(
    violated: pa.Array, column: pa.Array, expected: str, remedy: str = "Correct the cell."
) -> None:
    """Raise a ``CellError`` for the first cell of a batch for which ``violated`` is true."""
    index = pc.index(violated, True).as_py()
    if index >= 0:
        raise CellError(index, expected, column[index].as_py(), remedy)


def first_text(ids: pa.Array) -> str:
    """Return the first of the ids that is no whole number."""
    text: str = ids.filter(pc.invert(pc.match_substring_regex(ids, WHOLE_NUMBER)))[0].as_py()
    return text


def is_number(kind: pa.DataType) -> bool:
    """Return whether the type is one of Arrow's integers, floats or decimals."""
    return pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)


def is_id(kind: pa.DataType) -> bool:
    """Return whether the type can hold ids: text or numbers, as pandas makes floats of integers with gaps."""
    return is_text(kind) or is_number(kind)

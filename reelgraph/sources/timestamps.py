"""Converters of timestamps: numbers since 1970, ISO dates, day numbers, and the order of the rows."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from reelgraph.core.schemas.tables import YEAR_2100
from reelgraph.sources.conversions import Counts, is_number, raise_first, read_numbers, trimmed_texts
from reelgraph.sources.table_files import is_text

SECONDS = r"^(?P<whole>-?(?:\d{1,18}|[1-8]\d{18}))(?:\.\d*)?$"
"""64 bits of seconds or a smaller unit since 1970; fractions are dropped."""

DATE = (
    r"^(?P<date>\d{4}-\d{2}-\d{2})(?:[ T](?P<minute>\d{2}:\d{2})(?P<second>:\d{2})?(?:[.,]\d+)?)?"
    r" ?(?:Z|UTC|(?P<sign>[+-])(?P<hours>\d{2}):?(?P<minutes>\d{2}))?$"
)
"""An ISO 8601 date, with or without time and offset. Without an offset it is UTC."""

SMALL_UNITS = {1000: "milliseconds", 10**6: "microseconds", 10**9: "nanoseconds"}
"""Units per second → name."""

DAY_NUMBERS = range(25_569, 73_051)
"""A spreadsheet's numbers of the days from 1970 to 2099. As seconds, all are on the first day of 1970."""

UNITS_PER_SECOND = {"s": 1, "ms": 1000, "us": 10**6, "ns": 10**9}
"""Unit of an Arrow timestamp → units per second."""


@dataclass(frozen=True)
class TimestampConverter:
    """Reads numbers since 1970 in any unit, ISO dates, and Arrow's dates and timestamps."""

    units_per_second: int = 1
    """0: the column holds dates."""

    def convert(self, column: pa.Array, counts: Counts) -> pa.Array:
        """Return seconds since 1970, UTC, as int64."""
        if is_date(column.type) or not self.units_per_second:
            counts["timestamps_from_dates"] += len(column) - column.null_count
            return _seconds_of_dates(column) if is_date(column.type) else _parse_dates(column)
        if not (is_text(column.type) or is_number(column.type)):
            return column
        numbers = read_numbers_since_1970(column)
        if self.units_per_second == 1:
            return numbers
        counts[f"timestamps_from_{SMALL_UNITS[self.units_per_second]}"] += len(column) - column.null_count
        return pc.divide(numbers, self.units_per_second)


@dataclass(frozen=True)
class DayNumberConverter:
    """Reads a spreadsheet's day numbers, such as 45352.5 for noon of 2024-03-01, in UTC."""

    def convert(self, column: pa.Array, counts: Counts) -> pa.Array:
        """Return seconds since 1970, UTC, as int64."""
        counts["timestamps_from_day_numbers"] += len(column) - column.null_count
        days = pc.subtract(read_numbers(column), float(DAY_NUMBERS.start))
        return pc.round(pc.multiply(days, 86_400.0)).cast(pa.int64())


@dataclass
class FileOrderConverter:
    """Numbers the rows in the order of the file, in place of timestamps."""

    n_rows: int = 0
    """Rows numbered so far."""

    def convert(self, column: pa.Array, counts: Counts) -> pa.Array:
        """Return int64, from 0."""
        first = self.n_rows
        self.n_rows += len(column)
        counts["timestamps_from_file_order"] = self.n_rows
        return pa.array(range(first, self.n_rows), pa.int64())


def detect_timestamps(batches: Iterable[pa.Array]) -> TimestampConverter | DayNumberConverter:
    """Return the converter for a whole column.

    Text is numbers if its first value is one, otherwise dates. Numbers are in the unit in which all of them
    are between 1970 and 2100; they are day numbers if all of them can be. A column for which no unit fits is
    in seconds, and violates the contract.
    """
    low: int | None = None
    high: int | None = None
    for column in batches:
        if not (is_text(column.type) or is_number(column.type)):
            continue
        if low is None and is_text(column.type) and _starts_with_date(column):
            return TimestampConverter(0)
        bounds = pc.min_max(_numbers_or_null(column)).as_py()
        if bounds["min"] is not None:
            low = bounds["min"] if low is None else min(low, bounds["min"])
            high = bounds["max"] if high is None else max(high, bounds["max"])
    if low is None or high is None:
        return TimestampConverter()
    if low in DAY_NUMBERS and high in DAY_NUMBERS:
        return DayNumberConverter()
    for unit in SMALL_UNITS:
        if low > YEAR_2100 * unit / 1000 and high <= YEAR_2100 * unit:
            return TimestampConverter(unit)
    return TimestampConverter()


def read_numbers_since_1970(column: pa.Array) -> pa.Array:
    """Return text or numbers as int64, without their fractions.

    Raises:
        CellError: a cell is no number.
    """
    numbers = _numbers_or_null(column)
    unread = pc.and_(pc.is_valid(trimmed_texts(column)), pc.is_null(numbers))
    raise_first(unread, column, "a number of seconds since 1970, as in the column's first cell")
    return numbers


def is_date_text(text: str) -> bool:
    """Return whether a text is an ISO date, with or without time."""
    return bool(re.fullmatch(DATE[1:-1], text.strip()))


def _seconds_of_dates(column: pa.Array) -> pa.Array:
    times = column if pa.types.is_timestamp(column.type) else column.cast(pa.timestamp("s"))
    return pc.divide(times.cast(pa.int64()), UNITS_PER_SECOND[times.type.unit])


def is_date(kind: pa.DataType) -> bool:
    """Return whether the type is one of Arrow's dates or timestamps."""
    return pa.types.is_timestamp(kind) or pa.types.is_date(kind)


def _numbers_or_null(column: pa.Array) -> pa.Array:
    if is_text(column.type):
        match = pc.extract_regex(trimmed_texts(column), SECONDS)
        return pc.cast(pc.struct_field(match, "whole"), pa.int64())
    if pa.types.is_floating(column.type):
        inside = pc.less(pc.abs(column), 2.0**63)
        return pc.if_else(inside, column, pa.scalar(None, column.type)).cast(pa.int64(), safe=False)
    return column.cast(pa.int64())


def _starts_with_date(column: pa.Array) -> bool:
    first = trimmed_texts(column).drop_null().slice(0, 1)
    return pc.any(pc.invert(pc.match_substring_regex(first, SECONDS))).as_py() or False


def _parse_dates(column: pa.Array) -> pa.Array:
    texts = trimmed_texts(column)
    parts = pc.extract_regex(texts, DATE)
    minute = _default(pc.struct_field(parts, "minute"), "00:00")
    second = _default(pc.struct_field(parts, "second"), ":00")
    text = pc.binary_join_element_wise(
        pc.binary_join_element_wise(pc.struct_field(parts, "date"), minute, " "), second, "")  # fmt: skip
    times = pc.strptime(text, format="%Y-%m-%d %H:%M:%S", unit="s", error_is_null=True)
    # strptime reads 31 February as 3 March.
    is_real = pc.equal(pc.strftime(times, format="%Y-%m-%d"), pc.struct_field(parts, "date"))
    unread = pc.and_(pc.is_valid(texts), pc.invert(pc.coalesce(is_real, False)))
    remedy = "Correct it, or write all dates with the year first."
    raise_first(unread, column, "a date such as 2005-04-02 23:53:47", remedy)
    hours = _default(pc.struct_field(parts, "hours"), "0").cast(pa.int64())
    minutes = _default(pc.struct_field(parts, "minutes"), "0").cast(pa.int64())
    offset = pc.add(pc.multiply(hours, 3600), pc.multiply(minutes, 60))
    signed = pc.if_else(pc.equal(pc.struct_field(parts, "sign"), "-"), pc.negate(offset), offset)
    return pc.subtract(times.cast(pa.int64()), signed)


def _default(texts: pa.Array, default: str) -> pa.Array:
    return pc.if_else(pc.equal(texts, ""), default, texts)

"""Dates of a whole column: ISO 8601, day or month first, names of months, Unix times, Excel's day numbers."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from reelgraph.core.schemas.tables import YEAR_2100

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
TIME = r"(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,]\d+)?)?\s*(?P<half>[AaPp]\.?[Mm]\.?)?"
CLOCK = rf"(?:[T ,]+{TIME})?\s*(?P<zone>Z|UTC|GMT|[+-]\d\d:?\d\d)?"
YEAR_FIRST = re.compile(rf"(?P<year>\d{{4}})[-/.年](?P<month>\d{{1,2}})[-/.月](?P<day>\d{{1,2}})日?{CLOCK}")
YEAR_LAST = re.compile(
    rf"(?P<first>\d{{1,2}})(?P<mark>[-/.])(?P<middle>\d{{1,2}})(?P=mark)(?P<year>\d{{4}}|\d\d){CLOCK}"
)
SHORT_YEAR = re.compile(r"\d{1,2}[-/. ]+[A-Za-z]+[-/. ]+(\d\d)")
"""A spreadsheet's date such as 9-Mar-24."""
MONTH_NAME = re.compile(rf"\b({'|'.join(MONTHS)})[a-z]*\b", re.I)
EXCEL_EPOCH = datetime(1899, 12, 30, tzinfo=UTC)
UNIX_UNITS = {9: 1, 10: 1, 12: 1_000, 13: 1_000, 15: 1_000_000, 16: 1_000_000}
"""Units per second by the number of digits of a time since 1970."""
EXCEL_DIGITS = 5
MAX_LENGTH = 60
"""Longer texts are no dates; the patterns would take quadratic time on them."""

DateOrder = str
"""``day/month``, ``month/day``, or blank if the column does not tell."""


@dataclass(frozen=True)
class DateColumn:
    """The times of a column of dates."""

    times: list[int | None]
    """Unix times in seconds, UTC; None where a cell is blank, or not understood."""
    order: DateOrder
    """Order of day and month in dates that end with the year."""
    n_ambiguous: int
    """Number of dates whose day and month can't be told apart."""
    n_unreadable: int
    """Number of other texts that are not dates from 1970 to 2100."""
    example: str
    """The first date that was not understood."""


def parse_dates(texts: Sequence[str]) -> DateColumn:
    """Parse a column of dates.

    Where dates end with the year, a first or second number above 12 in any of them tells the order of all.
    Dates with dots have the day first. Without a time zone, a time is in UTC.

    Args:
        texts: the cells, in which blank texts are missing dates.
    """
    order = detect_order(texts)
    times: list[int | None] = []
    n_ambiguous = 0
    examples: list[str] = []
    for text in texts:
        time = parse_timestamp(text, order)
        times.append(time)
        if time is None and text.strip():
            examples.append(text.strip()[:30])
            n_ambiguous += not order and _match_year_last(text) is not None
    return DateColumn(times, order, n_ambiguous, len(examples) - n_ambiguous, next(iter(examples), ""))


def detect_order(texts: Sequence[str]) -> DateOrder:
    """Return the order of day and month in dates that end with the year."""
    matches = [match for text in texts if (match := _match_year_last(text))]
    day_first = any(int(match["first"]) > 12 for match in matches)
    month_first = any(int(match["middle"]) > 12 for match in matches)
    if month_first != day_first:
        return "day/month" if day_first else "month/day"
    return "day/month" if matches and all(match["mark"] == "." for match in matches) else ""


def parse_timestamp(text: str, order: DateOrder = "") -> int | None:
    """Return the Unix time of a date; None if it is not understood, or outside of 1970 to 2100.

    Args:
        text: a date.
        order: order of day and month in dates that end with the year.
    """
    text = text.strip()
    if len(text) > MAX_LENGTH:
        return None
    parsers: tuple[Callable[[str], datetime | None], ...] = (
        _parse_number,
        datetime.fromisoformat,
        _parse_year_first,
        lambda text: _parse_year_last(text, order),
        _parse_month_name,
    )
    for parse in parsers:
        try:
            moment = parse(text)
            if moment is not None:
                aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
                return seconds if 0 <= (seconds := int(aware.timestamp())) <= YEAR_2100 else None
        except (ValueError, OverflowError):
            continue
    return None


def _parse_number(text: str) -> datetime | None:
    """Parse seconds, milliseconds or microseconds since 1970, or Excel's days since 1899."""
    match = re.fullmatch(r"(\d+)([.,]\d+)?", text, re.ASCII)
    if match is None:
        return None
    number = float(text.replace(",", "."))
    if len(match[1]) == EXCEL_DIGITS:
        return EXCEL_EPOCH + timedelta(seconds=round(number * 86_400))
    unit = UNIX_UNITS.get(len(match[1]))
    return datetime.fromtimestamp(number / unit, UTC) if unit else None


def _parse_year_first(text: str) -> datetime | None:
    match = YEAR_FIRST.fullmatch(text)
    return _make_moment(match["year"], match["month"], match["day"], match) if match else None


def _match_year_last(text: str) -> re.Match[str] | None:
    date = text.strip()
    return YEAR_LAST.fullmatch(date) if len(date) <= MAX_LENGTH else None


def _parse_year_last(text: str, order: DateOrder) -> datetime | None:
    match = _match_year_last(text)
    if match is None or not order:
        return None
    day, month = (
        (match["first"], match["middle"]) if order == "day/month" else (match["middle"], match["first"])
    )
    return _make_moment(match["year"], month, day, match)


def _parse_month_name(text: str) -> datetime | None:
    """Parse dates such as ``Fri Aug 19 00:00:00 2016``, ``August 19, 2016`` and ``19-Aug-16``."""
    month = MONTH_NAME.search(text)
    clock = re.search(rf"\b{TIME}", text)
    date = text.replace(clock[0], " ") if clock else text
    year = re.search(r"\b(\d{4})\b", date) or SHORT_YEAR.fullmatch(date.strip())
    day = re.search(r"\b(\d{1,2})(?:st|nd|rd|th)?\b", date)
    if month is None or year is None or day is None:
        return None
    return _make_moment(year[1], str(MONTHS.index(month[1].lower()) + 1), day[1], clock)


def _make_moment(year: str, month: str, day: str, clock: re.Match[str] | None) -> datetime:
    """Return the moment; ``clock`` has the groups of ``TIME`` and maybe that of the zone."""
    groups = clock.groupdict() if clock else {}
    hour = int(groups.get("hour") or 0)
    if groups.get("half"):
        hour = hour % 12 + (12 if groups["half"][0] in "pP" else 0)
    zone = groups.get("zone") or "Z"
    offset = timedelta(0)
    if zone[0] in "+-":
        offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:])) * (1 if zone[0] == "+" else -1)
    century = 0 if len(year) == 4 else 2000 if int(year) < 70 else 1900
    minute, second = int(groups.get("minute") or 0), int(groups.get("second") or 0)
    return datetime(century + int(year), int(month), int(day), hour, minute, second, tzinfo=timezone(offset))

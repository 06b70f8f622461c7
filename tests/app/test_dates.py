"""Dates of rating exports: formats, and day or month first by the whole column."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelgraph.app.rating_imports.dates import parse_dates, parse_timestamp

MARCH_9 = 1709942400


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2024-03-09", MARCH_9),
        ("2024-03-09T20:15:00.000Z", MARCH_9 + 72_900),
        ("2024-03-09 20:15", MARCH_9 + 72_900),
        ("2024-03-09 20:15:00 UTC", MARCH_9 + 72_900),
        ("2024-03-09T22:15:00+02:00", MARCH_9 + 72_900),
        ("20240309", MARCH_9),
        ("2024/3/9", MARCH_9),
        ("2024年3月9日", MARCH_9),
        ("Sat Mar  9 20:15:00 2024", MARCH_9 + 72_900),
        ("9 Mar 2024", MARCH_9),
        ("09-Mar-2024", MARCH_9),
        ("March 9th, 2024", MARCH_9),
        ("Sat, 9 March 2024 8:15 PM", MARCH_9 + 72_900),
        ("1709942400", MARCH_9),
        ("1709942400.0", MARCH_9),
        ("1709942400000", MARCH_9),
        ("1709942400000000", MARCH_9),
        ("964982703", 964982703),
        ("45360", MARCH_9),
        ("45360.84375", MARCH_9 + 72_900),
        ("45360,84375", MARCH_9 + 72_900),
        ("0001-01-01T00:00:00+14:00", None),
        ("9-Mar-24", MARCH_9),
        ("09 Mar 24 20:15", MARCH_9 + 72_900),
        ("9-Mar-98", 889401600),
        ("2204-03-09", None),
        ("9999-12-31T23:59:59-14:00", None),
        ("1960-01-01", None),
        ("10000", None),
        ("2024-13-09", None),
        ("31 Feb 2024", None),
        ("2024", None),
        ("9/3/2024", None),
        ("²", None),
        ("soon", None),
        ("1/1/2024 1:11" + " " * 100_000 + "x", None),
        ("", None),
    ],
)
def test_parse_timestamp(text: str, seconds: int | None) -> None:
    assert parse_timestamp(text) == seconds


@pytest.mark.parametrize(
    ("texts", "dates"),
    [
        (["3/14/2024", "12/1/2023"], ["2024-03-14", "2023-12-01"]),
        (["14/3/2024", "12/1/2023"], ["2024-03-14", "2023-01-12"]),
        (["1/12/2023", "", "14/3/24 20:15"], ["2023-12-01", None, "2024-03-14T20:15"]),
        (["3-14-24", "12-1-99"], ["2024-03-14", "1999-12-01"]),
        (["3/14/2024 8:15 PM", "3/1/2024 12:05 AM"], ["2024-03-14T20:15", "2024-03-01T00:05"]),
        (["01.03.2024", "2.3.2024"], ["2024-03-01", "2024-03-02"]),
        (["3/14/2024", "2024-01-12"], ["2024-03-14", "2024-01-12"]),
    ],
)
def test_parse_dates_tells_day_and_month_by_the_column(texts: list[str], dates: list[str | None]) -> None:
    column = parse_dates(texts)
    assert column.times == [parse_timestamp(date) if date else None for date in dates]
    assert (column.n_ambiguous, column.n_unreadable) == (0, 0)


@pytest.mark.parametrize(
    ("texts", "n_ambiguous", "n_unreadable", "example"),
    [
        (["3/1/2024", "12/1/2023", "2024-01-05"], 2, 0, "3/1/2024"),
        (["14/3/2024", "3/14/2024"], 2, 0, "14/3/2024"),
        (["14/3/2024", "later", "", "31/2/2024"], 0, 2, "later"),
        (["1/1/2024 1:11" + " " * 100_000 + "x"], 0, 1, "1/1/2024 1:11" + " " * 17),
        (["", ""], 0, 0, ""),
    ],
)
def test_parse_dates_counts_dates_that_are_not_understood(
    texts: list[str], n_ambiguous: int, n_unreadable: int, example: str
) -> None:
    column = parse_dates(texts)
    assert (column.n_ambiguous, column.n_unreadable, column.example) == (n_ambiguous, n_unreadable, example)


@pytest.mark.parametrize("template", ["{0.day}/{0.month}/{0.year}", "{0.month}/{0.day}/{0.year}"])
@given(moments=st.lists(st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1)), min_size=1))
def test_parse_dates_is_right_or_counts_an_ambiguity(template: str, moments: list[datetime]) -> None:
    column = parse_dates([template.format(moment) for moment in moments])
    expected = [int(datetime(m.year, m.month, m.day, tzinfo=UTC).timestamp()) for m in moments]
    if any(moment.day > 12 for moment in moments):
        assert column.times == expected
    else:
        assert column.n_ambiguous == len(moments)


@given(st.lists(st.text(max_size=40), max_size=8))
def test_parse_dates_accounts_for_every_text(texts: list[str]) -> None:
    column = parse_dates(texts)
    n_lost = sum(time is None and bool(text.strip()) for text, time in zip(texts, column.times, strict=True))
    assert column.n_ambiguous + column.n_unreadable == n_lost

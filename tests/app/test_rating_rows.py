"""Rows of rating exports that a spreadsheet saved again, or that have bad lines."""

from __future__ import annotations

import json

import pytest

from reelgraph.app.rating_imports.rating_rows import MAX_LINES, read_rows
from reelgraph.runtime.errors import InputError

HEADER = "Date,Name,Year,Letterboxd URI,Rating"
ROWS = ["2024-03-01,Léon,1994,u1,4.5", '2024-03-02,"Postman, The",1997,u2,3']
TEXT = "\n".join([HEADER, *ROWS]) + "\n"


def names_by_line(text: str | bytes) -> dict[int, str]:
    content = text.encode() if isinstance(text, str) else text
    return {line: row["name"] for line, row in read_rows(content, "ratings.csv").rows}


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (TEXT, [2, 3]),
        (TEXT.replace("Postman, The", "Postman; The").replace(",", ";").replace("; The", ", The"), [2, 3]),
        (TEXT.replace("Postman, The", "Postman@ The").replace(",", "\t").replace("@", ","), [2, 3]),
        ("sep=,\n" + TEXT, [3, 4]),
        ('"sep=,"\r\n' + TEXT.replace("\n", "\r\n"), [3, 4]),
        ("\n\n" + TEXT.replace("\n", "\n\n"), [5, 7]),
        (",,,,\n" + TEXT.replace("\n", "\n,,,,\n"), [4, 6]),
        ("My ratings\n\n" + TEXT, [4, 5]),
        (HEADER.lower() + TEXT[len(HEADER) :], [2, 3]),
        (HEADER.upper().replace("LETTERBOXD URI", "LETTERBOXD_URI") + TEXT[len(HEADER) :], [2, 3]),
        (TEXT.replace("\n", "\r"), [2, 3]),
        (",".join(f'"{name}"' for name in HEADER.split(",")) + TEXT[len(HEADER) :], [2, 3]),
        ("," + TEXT.rstrip().replace("\n", "\n0,"), [2, 3]),
    ],
)
def test_read_rows_of_a_file_that_was_saved_again(text: str, lines: list[int]) -> None:
    assert names_by_line(text) == dict(zip(lines, ["Léon", "Postman, The"], strict=True))


@pytest.mark.parametrize(
    ("encoding", "label"),
    [
        ("utf-8-sig", ""),
        ("utf-16", ""),
        ("utf-16-le", ""),
        ("utf-16-be", ""),
        ("utf-32", ""),
        ("cp1252", "Windows-1252"),
    ],
)
def test_read_rows_detects_the_encoding(encoding: str, label: str) -> None:
    table = read_rows(TEXT.encode(encoding), "ratings.csv")
    assert table.rows[0][1]["name"] == "Léon"
    assert table.encoding == label


@pytest.mark.parametrize(
    ("text", "encoding", "label"),
    [
        ("Название;Год;Оценка\nСолярис;1972;9\n", "cp1251", "Windows-1251"),
        ("标题,简介,我的评分\n千与千寻,2001,5\n", "gb18030", "GB 18030"),
    ],
)
def test_read_rows_detects_the_encoding_by_the_header(text: str, encoding: str, label: str) -> None:
    table = read_rows(text.encode(encoding), "ratings.csv")
    assert table.encoding == label
    assert table.rows == read_rows(text.encode(), "ratings.csv").rows


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('2024-03-01,"The "Burbs"",1989,u,3', "a quote within a quoted cell; write it twice"),
        ('2024-03-01,"The Burbs,1989,u,3', "a quote within a quoted cell; write it twice"),
        (
            "2024-03-01,The Good, the Bad,1966,u,3",
            "6 cells in 5 columns; put a cell with separators in quotes",
        ),
        ('2024-03-01,"' + "x" * 140_000 + '",1989,u,3', "field larger than field limit (131072)"),
    ],
)
def test_read_rows_passes_over_a_bad_line_with_its_number(line: str, reason: str) -> None:
    quoted_rows = [ROWS[0], '2024-03-02,"Postman, The",1997,u2,3']
    table = read_rows("\n".join([HEADER, ROWS[0], line, *quoted_rows]).encode(), "ratings.csv")
    assert [(row.line, row.reason) for row in table.skipped] == [(3, f"bad CSV: {reason}")]
    assert [number for number, _ in table.rows] == [2, 4, 5]


def test_read_rows_passes_over_a_quote_that_is_not_closed() -> None:
    table = read_rows("\n".join([HEADER, ROWS[0], '2024,"Heat', ROWS[0]]).encode(), "ratings.csv")
    assert [(row.line, row.reason) for row in table.skipped] == [(3, "bad CSV: a quote that is not closed")]
    assert [number for number, _ in table.rows] == [2, 4]


def test_read_rows_numbers_the_first_line_of_a_row() -> None:
    assert names_by_line(f'{HEADER}\n2024,"A\nB\nC",1,u,4\n{ROWS[0]}\n') == {2: "A\nB\nC", 5: "Léon"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":' * 100_000, "nested too deeply"),
        (b"[[[[[[[[[[]]]]]]]]]]", "got other JSON"),
        (b"[]", "got no entries"),
        (b"[" + b"9" * 5000 + b"]", "Trakt's JSON"),
        (b'[{"key": 1}]', r"keys \['key'\]"),
        (json.dumps([{"title": "\ud800", "rating": 4}]).encode(), "half of a surrogate pair"),
        (b'\xff\xfe\x00\xd8{"', "invalid UTF-16"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel workbook"),
        (b"\x1f\x8b\x08\x00", "a gzip archive"),
        (f"{HEADER}\n".encode() + b"\n" * (MAX_LINES + 1), "at most 200,000 lines"),
        (b"[" + b"{}," * MAX_LINES + b"{}]", "at most 200,000 lines"),
    ],
)
def test_read_rows_raises_on_other_content(content: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_rows(content, "ratings.csv")

"""Reading the rows of a rating export: encodings, separators, headers, bad lines, and JSON."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from reelgraph.app.rating_imports.layouts import LAYOUTS, Layout, SkippedRow, detect_layout, normalize_column
from reelgraph.runtime.errors import InputError

MAX_LINES = 200_000
"""Lines of a CSV file, or entries of a JSON file."""
MAX_CELL_CHARS = 131_072
"""Characters of a cell. The limit of module csv is global, so that each reader sets its own."""
MAX_HEADER_LINE = 20
"""The header is searched in the first lines of this number that are not blank."""
DELIMITERS = ",;\t|"
BYTE_ORDER_MARKS = {
    b"\xef\xbb\xbf": "utf-8-sig",
    b"\xff\xfe\x00\x00": "utf-32",
    b"\x00\x00\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
CODE_PAGES = {"cp1252": "Windows-1252", "cp1251": "Windows-1251", "gb18030": "GB 18030"}
"""Encodings that spreadsheets write if not UTF-8; the first one in which the header is known counts."""
BINARY_FILES = {
    b"\xd0\xcf\x11\xe0": "an Excel workbook",
    b"\x1f\x8b": "a gzip archive",
    b"PK\x03\x04": "a zip archive",
    b"Rar!": "a RAR archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"%PDF": "a PDF",
}
CONTROL_CHARACTERS = re.compile(r"[\x00-\x08\x0e-\x1f]")
SEPARATOR_LINE = re.compile(r'"?sep=([^\w"\s]|\t)"?\s*', re.IGNORECASE)
"""A first line that Excel reads, and writes again."""
ITEM_KEYS = ("episode", "season", "show", "anime", "movie")
"""Keys of a JSON entry with the item that it rates; the first one counts."""
EXPORT_HINT = "Export your ratings again, and keep the header; or give a table with title, year and rating."
JSON_HINT = "Give the JSON file with ratings that the site exported."

Row = Mapping[str, str]
"""Cells by normalised column name."""


@dataclass(frozen=True)
class RatingRows:
    """The rows of a file, as text."""

    layout: Layout
    rows: list[tuple[int, Row]]
    """Line or entry numbers, and the rows."""
    skipped: list[SkippedRow]
    """Lines that are not valid CSV."""
    encoding: str = ""
    """Name of the encoding, if it is none of Unicode."""


def read_rows(content: bytes, name: str, layouts: Sequence[Layout] = LAYOUTS) -> RatingRows:
    """Read the rows of a CSV or JSON file.

    Args:
        content: the bytes of the file.
        name: name of the file in error messages.
        layouts: the layouts that it may have.

    Raises:
        InputError: the content is not text, has the columns of no layout, or too many rows.
    """
    header = ""
    texts = list(_decode(content, name))
    for text, encoding in texts:
        if text.lstrip()[:1] in ("[", "{"):
            return _read_json(text, name, layouts)
        lines = list(io.StringIO(text, newline=""))
        first_line = next((line for line in lines if line.strip()), "").strip()
        header = header or ascii(first_line[:200])[1:-1]
        table = _find_header(lines, layouts)
        if table is not None:
            layout, columns, delimiter, start = table
            if len(lines) - start > MAX_LINES:
                raise _too_many(f"{len(lines):,} lines", name)
            _check_rating_columns(columns, layout, name)
            rows, skipped = _read_csv(lines, start, columns, delimiter)
            return RatingRows(layout, rows, skipped, encoding)
    if not texts:
        raise InputError(name, "text in UTF-8", "other bytes", "Save the file as CSV in UTF-8.")
    sites = ", ".join(dict.fromkeys(layout.site for layout in layouts))
    hint = f"{EXPORT_HINT} Save it in UTF-8." if texts[0][1] else EXPORT_HINT
    raise InputError(name, f"the columns of a supported site ({sites})", header or "an empty file", hint)


def _decode(content: bytes, name: str) -> Iterator[tuple[str, str]]:
    """Yield the text in each encoding that fits, with the encoding's name if it is none of Unicode."""
    for magic, kind in BINARY_FILES.items():
        if content.startswith(magic):
            raise InputError(name, "a CSV or JSON file", kind, "Save or extract it as CSV in UTF-8.")
    mark = next((encoding for mark, encoding in BYTE_ORDER_MARKS.items() if content.startswith(mark)), None)
    mark = mark or _guess_utf_16(content[:1000])
    try:
        text = content.decode(mark or "utf-8")
    except UnicodeDecodeError:
        if mark is not None:
            raise InputError(name, "text", f"invalid {mark.upper()}", "Save the file in UTF-8.") from None
        texts = [(_decode_code_page(content, code), label) for code, label in CODE_PAGES.items()]
        yield from ((text, label) for text, label in texts if text is not None)
        return
    if "\0" in text:
        raise InputError(name, "text", "null bytes", "Save or extract it as CSV or JSON in UTF-8.")
    yield text, ""


def _guess_utf_16(content: bytes) -> str | None:
    """Return the byte order of UTF-16 without a mark, in which one of two bytes of ASCII text is zero."""
    even, odd = content[::2].count(0), content[1::2].count(0)
    if max(even, odd) <= len(content) / 4:
        return None
    return "utf-16-be" if even > odd else "utf-16-le"


def _decode_code_page(content: bytes, encoding: str) -> str | None:
    """Return the text; None if it is not of that encoding, or not text."""
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        return None
    return None if CONTROL_CHARACTERS.search(text) else text


def _find_header(lines: list[str], layouts: Sequence[Layout]) -> tuple[Layout, list[str], str, int] | None:
    """Return layout, normalised columns, delimiter and the index after the header; None without a header."""
    filled = [index for index, line in enumerate(lines) if line.strip()][:MAX_HEADER_LINE]
    delimiters = DELIMITERS
    if filled and (separator := SEPARATOR_LINE.fullmatch(lines[filled[0]].strip("\r\n"))):
        delimiters = separator[1]
        filled = filled[1:]
    for index in filled:
        for delimiter in delimiters:
            columns = _parse_header(lines[index], delimiter)
            layout = detect_layout(columns, layouts)
            if layout is not None:
                return layout, columns, delimiter, index + 1
    return None


def _check_rating_columns(columns: Sequence[str], layout: Layout, name: str) -> None:
    """Check that no column of ratings is there twice: one may have a site's ratings, or another scale.

    Raises:
        InputError: one is.
    """
    for rating in layout.ratings:
        count = columns.count(normalize_column(rating.name))
        if count > 1:
            raise InputError(
                name, f"one column {rating.name}", f"{count}", "Remove or rename those without your ratings."
            )


def _parse_header(line: str, delimiter: str) -> list[str]:
    try:
        cells = next(csv.reader([line.strip("\r\n")], delimiter=delimiter), [])
    except csv.Error:  # a cell beyond csv's limit
        return []
    return [normalize_column(cell) for cell in cells]


def _read_csv(
    lines: list[str], start: int, columns: list[str], delimiter: str
) -> tuple[list[tuple[int, Row]], list[SkippedRow]]:
    """Return the rows from a line on, and the lines that are not valid CSV."""
    csv.field_size_limit(MAX_CELL_CHARS)
    rows: list[tuple[int, Row]] = []
    skipped: list[SkippedRow] = []
    while start < len(lines):
        remaining = map(lines.__getitem__, range(start, len(lines)))
        reader = csv.reader(remaining, delimiter=delimiter, strict=True, skipinitialspace=True)
        line = start
        problem = ""
        try:
            for cells in reader:
                problem = _find_problem(cells, columns)
                if problem:
                    break
                if any(cell.strip() for cell in cells):
                    # The first of several columns of one name counts.
                    row = dict(
                        zip(reversed(columns[: len(cells)]), reversed(cells[: len(columns)]), strict=True)
                    )
                    rows.append((line + 1, row))
                line = start + reader.line_num
            else:
                break
        except csv.Error as error:
            problem = "bad CSV: " + _explain_csv_error(str(error))
        # A bad quote swallows the lines that follow: read on after the first line.
        skipped.append(SkippedRow(line + 1, _shorten(lines[line]), problem))
        start = line + 1
    return rows, skipped


def _find_problem(cells: list[str], columns: list[str]) -> str:
    """Return why a row is not valid; blank if it is."""
    if any(cell.strip() for cell in cells[len(columns) :]):
        return f"bad CSV: {len(cells)} cells in {len(columns)} columns; put a cell with separators in quotes"
    return ""


def _explain_csv_error(error: str) -> str:
    if "expected after" in error:
        return "a quote within a quoted cell; write it twice"
    if "unexpected end" in error:
        return "a quote that is not closed"
    return error


def _shorten(line: str) -> str:
    return " ".join(line.split())[:60]


def _read_json(text: str, name: str, layouts: Sequence[Layout]) -> RatingRows:
    def refuse(got: str) -> InputError:
        return InputError(name, "Trakt's JSON, a list of ratings", got, JSON_HINT)

    try:
        entries = _load_json(text)
    except RecursionError:
        raise refuse("JSON that is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise refuse(f"invalid JSON in line {error.lineno}, column {error.colno}") from None
    except ValueError:
        raise refuse("a number with thousands of digits") from None
    if isinstance(entries, dict):  # lists of movies and shows by name, or the only one of JSON lines
        lists = [value for value in entries.values() if isinstance(value, list)]
        listed = [entry for values in lists for entry in values if isinstance(entry, dict)]
        entries = listed or [entries] * (detect_layout(_flatten_entry(entries), layouts) is not None)
    if entries == []:
        raise refuse("no entries")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise refuse("other JSON")
    if len(entries) > MAX_LINES:
        raise _too_many(f"{len(entries):,} entries", name)
    rows = [(number, _flatten_entry(entry)) for number, entry in enumerate(entries, 1)]
    for number, row in rows:
        try:
            "".join(row.values()).encode()
        except UnicodeEncodeError:
            where = f"{name}: entry {number}"
            raise InputError(where, "text in Unicode", "half of a surrogate pair", JSON_HINT) from None
    columns = {column for _, row in rows for column in row}
    layout = detect_layout(columns, layouts)
    if layout is None:
        raise refuse(f"keys {ascii(sorted(columns))[:200]}")
    return RatingRows(layout, rows, [])


def _load_json(text: str) -> object:
    """Parse JSON, or JSON lines: an object in each line."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        lines = [line for line in text.splitlines() if line.strip()]
        if error.msg != "Extra data" or not all(line.lstrip().startswith("{") for line in lines):
            raise
    return [json.loads(line) for line in lines]


def _flatten_entry(entry: dict[str, object]) -> Row:
    """Return an entry of Trakt's or Simkl's JSON as a row with the columns of their CSV exports."""
    key = next((key for key in ITEM_KEYS if isinstance(entry.get(key), dict)), "")
    if not key:
        cells = {**entry, **_as_object(entry.get("ids"))}
    else:
        item = _as_object(entry[key])
        # An episode has no title without its show's, but its own ids.
        cells = {
            **_as_object(entry.get("show")),
            **item,
            "rating": None,
            **entry,
            **_as_object(item.get("ids")),
        }
        cells["type"] = entry.get("type") or key
    texts = {
        normalize_column(name): cell for name, cell in cells.items() if not isinstance(cell, dict | list)
    }
    return {name: "" if cell is None else str(cell) for name, cell in texts.items()}


def _as_object(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _too_many(got: str, name: str) -> InputError:
    return InputError(name, f"at most {MAX_LINES:,} lines", got, "Give the ratings of one user.")

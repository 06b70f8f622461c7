"""A file of a person's ratings, whoever wrote it: read, its scale told, its movies found."""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from reelgraph.app.bundle.catalog import MovieCatalog
from reelgraph.app.bundle.new_user import UserRating
from reelgraph.app.bundle.title_matching import TitleIndex
from reelgraph.app.rating_imports.layouts import (
    LAYOUTS,
    TRAKT,
    ParsedRating,
    RatingsLayout,
    SkippedRow,
    detect_layout,
    parse_row,
    parse_stars,
    parse_trakt_json,
)
from reelgraph.core.rating_scale import MAX_STARS
from reelgraph.runtime.errors import InputError

MAX_FILE_BYTES = 20_000_000
"""Bytes."""

Found = tuple[ParsedRating, int, str]
"""Row of the file, row of the movie, and by what it was found."""


@dataclass(frozen=True)
class RatingsFile:
    """What a file says."""

    site: str
    scale: int
    """Highest rating; 10 was halved."""
    rows: int
    ratings: list[ParsedRating]
    skipped: list[SkippedRow]


@dataclass(frozen=True)
class MatchedRatings:
    """What a file says of the library's movies."""

    file: RatingsFile
    matches: list[Found]
    """Each movie once: of several ratings the newest."""
    skipped: list[SkippedRow]

    @property
    def history(self) -> list[UserRating]:
        """The history; without times where any is missing."""
        return [UserRating(row, given.stars, given.time) for given, row, _ in self.matches]

    @property
    def match_counts(self) -> dict[str, int]:
        """How many rows were found by what."""
        return dict(Counter(how for _, _, how in self.matches))

    @property
    def skip_counts(self) -> dict[str, int]:
        """How many rows were passed over, by reason."""
        return dict(Counter(each.reason.partition(":")[0].partition(" (")[0] for each in self.skipped))


def read_ratings_file(path: Path | str) -> RatingsFile:
    """Read a person's ratings as a site wrote them.

    Raises:
        InputError: no file, too large, no text, or no site's columns; ratings of several people.
    """
    place = Path(path)
    if not place.is_file():
        raise InputError(str(path), "a file of ratings", "no file", "Name the file that the site exported.")
    if place.stat().st_size > MAX_FILE_BYTES:
        raise InputError(str(path), f"at most {MAX_FILE_BYTES:,} bytes", f"{place.stat().st_size:,}",
                         "One person's ratings are smaller.")  # fmt: skip
    return parse_ratings_file(place.read_bytes(), str(path))


def parse_ratings_file(content: bytes, where: str) -> RatingsFile:
    """Read the bytes of such a file; ``where`` names it in errors.

    Raises:
        InputError: no text, or no site's columns; ratings of several people.
    """
    text = _text(content, where)
    layout, rows = _rows(text, where)
    if layout.user and len({row.get(layout.user) for _, row in rows}) > 1:
        raise InputError(f"{where}: column {layout.user}", "one person", "several",
                         "Keep the rows of one person.")  # fmt: skip
    scale = _scale(layout, [row for _, row in rows])
    entries = [parse_row(layout, line, row, scale) for line, row in rows]
    given = [each for each in entries if isinstance(each, ParsedRating)]
    passed = [each for each in entries if isinstance(each, SkippedRow)]
    return RatingsFile(layout.name, scale, len(rows), given, passed)


def _text(content: bytes, where: str) -> str:
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise InputError(f"{where}: byte {error.start:,}", "text in UTF-8", "other bytes",
                         "Save the file as UTF-8; don't send a zip, unpack it.") from None  # fmt: skip
    if "\0" in text:
        raise InputError(where, "text", "bytes 0", "Unpack a zip, and name the CSV or JSON file inside.")
    return text


def _rows(text: str, where: str) -> tuple[RatingsLayout, list[tuple[int, dict[str, str]]]]:
    known = "; ".join(f"{each.name}: {', '.join(sorted(each.required_columns))}" for each in LAYOUTS)
    remedy = "Export your ratings from the site again, and leave the header."
    if text.lstrip()[:1] in ("[", "{"):
        try:
            return TRAKT, list(enumerate(parse_trakt_json(text), 1))
        except ValueError as error:
            raise InputError(where, "Trakt's JSON, a list of ratings", str(error), remedy) from None
    try:
        reader = csv.DictReader(io.StringIO(text, newline=""), restval="", strict=True)
        columns = [(name or "").strip() for name in reader.fieldnames or []]
        reader.fieldnames = columns
        layout = detect_layout(columns)
        if layout is None:
            raise InputError(
                where, f"columns of a site ({known})", ", ".join(columns)[:200] or "nothing", remedy
            )
        return layout, [(reader.line_num, {k: v for k, v in row.items() if k and isinstance(v, str)})
                        for row in reader]  # fmt: skip
    except csv.Error as error:
        raise InputError(
            f"{where}: line {reader.line_num}", "comma-separated text", str(error), remedy
        ) from None


def _scale(layout: RatingsLayout, rows: list[dict[str, str]]) -> int:
    """Return 10 where the site rates so, or where a rating above 5 says so."""
    if layout.scale == 10:
        return 10
    above = (parse_stars(row.get(layout.rating, ""), 10) for row in rows)
    high = any(stars is not None and stars > MAX_STARS / 2 for stars in above)
    return 10 if high else layout.scale


def match_ratings(file: RatingsFile, library: MovieCatalog, titles: TitleIndex) -> MatchedRatings:
    """Find each rating's movie: by its id elsewhere, by MovieLens' id, or by title and year."""
    elsewhere = {name: _by_id(library, name) for name in ("imdb_id", "tmdb_id")}
    found: dict[int, Found] = {}
    passed = list(file.skipped)
    for given in file.ratings:
        row, how, why = _movie(given, library, titles, elsewhere)
        if row is None:
            passed.append(SkippedRow(given.line, _named(given), why))
        elif row in found and (found[row][0].time or 0) > (given.time or 0):
            passed.append(SkippedRow(given.line, _named(given), "rated again later"))
        else:
            if row in found:
                earlier = found.pop(row)[0]
                passed.append(SkippedRow(earlier.line, _named(earlier), "rated again later"))
            found[row] = (given, row, how)
    return MatchedRatings(file, list(found.values()), sorted(passed, key=lambda each: each.line))


def _movie(
    given: ParsedRating, library: MovieCatalog, titles: TitleIndex, elsewhere: dict[str, dict[int, int]]
) -> tuple[int | None, str, str]:
    """Return the row and how it was found, or why it wasn't."""
    for name, value in (("imdb_id", given.imdb_id), ("tmdb_id", given.tmdb_id)):
        if value is not None and value in elsewhere[name]:
            return elsewhere[name][value], "id", ""
    if given.title:
        said = titles.match(given.title, given.year)
        return said.row, said.matched_by or "", said.reason
    if given.movie_id is not None:
        row = library.find_rows([given.movie_id])[0]
        return row, "id", "" if row is not None else "no such movieId"
    return None, "", "no title"


def _by_id(library: MovieCatalog, name: str) -> dict[int, int]:
    column = library.table[name].to_pylist()
    return {value: row for row, value in enumerate(column) if value is not None}


def _named(given: ParsedRating) -> str:
    name = given.title or (f"movieId {given.movie_id}" if given.movie_id is not None else "")
    return f"{name} ({given.year})" if given.year and not name.endswith(f"({given.year})") else name

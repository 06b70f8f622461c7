"""Reading a rating export: detecting its layout and scale, and matching its rows with the bundle's movies."""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from reelgraph.app.bundle.catalog import MovieCatalog
from reelgraph.app.bundle.new_user import UserRating
from reelgraph.app.bundle.title_matching import MatchKind, TitleIndex
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


@dataclass(frozen=True)
class RatingsFile:
    """The rows of a rating export."""

    site: str
    scale: int
    """Highest rating; ratings to 10 were divided by 2."""
    rows: int
    ratings: list[ParsedRating]
    skipped: list[SkippedRow]


@dataclass(frozen=True)
class MatchedRating:
    """A row of the file and the movie it refers to."""

    rating: ParsedRating
    row: int
    """Row of the movie in the bundle."""
    matched_by: MatchKind


@dataclass(frozen=True)
class MatchedRatings:
    """The rows of a rating export, matched with the bundle's movies."""

    file: RatingsFile
    matches: list[MatchedRating]
    """One per movie: the most recent rating."""
    skipped: list[SkippedRow]

    @property
    def history(self) -> list[UserRating]:
        """The matched ratings as a user's history."""
        return [UserRating(match.row, match.rating.stars, match.rating.time) for match in self.matches]

    @property
    def match_counts(self) -> dict[str, int]:
        """Number of matched rows by kind of match."""
        return dict(Counter(match.matched_by for match in self.matches))

    @property
    def skip_counts(self) -> dict[str, int]:
        """Number of skipped rows by reason."""
        return dict(Counter(row.reason.partition(":")[0].partition(" (")[0] for row in self.skipped))


def read_ratings_file(path: Path | str) -> RatingsFile:
    """Read a rating export.

    Raises:
        InputError: the file does not exist, is too large or not text, has the columns of no supported site,
            or has the ratings of several users.
    """
    file = Path(path)
    if not file.is_file():
        raise InputError(str(path), "a file of ratings", "no file", "Give the file that the site exported.")
    size = file.stat().st_size
    if size > MAX_FILE_BYTES:
        raise InputError(
            str(path), f"at most {MAX_FILE_BYTES:,} bytes", f"{size:,}", "Give the ratings of one user."
        )
    return parse_ratings_file(file.read_bytes(), str(path))


def parse_ratings_file(content: bytes, name: str) -> RatingsFile:
    """Parse the content of a rating export.

    Args:
        content: the bytes of the file.
        name: name of the file in error messages.

    Raises:
        InputError: the content is not text, has the columns of no supported site, or has several users.
    """
    layout, rows = _parse_rows(_decode(content, name), name)
    if layout.user and len({row.get(layout.user) for _, row in rows}) > 1:
        raise InputError(
            f"{name}: column {layout.user}", "one user", "several users", "Keep the rows of one user."
        )
    scale = _detect_scale(layout, [row for _, row in rows])
    parsed = [parse_row(layout, line, row, scale) for line, row in rows]
    return RatingsFile(
        site=layout.site,
        scale=scale,
        rows=len(rows),
        ratings=[row for row in parsed if isinstance(row, ParsedRating)],
        skipped=[row for row in parsed if isinstance(row, SkippedRow)],
    )


def _decode(content: bytes, name: str) -> str:
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise InputError(
            f"{name}: byte {error.start:,}",
            "text in UTF-8",
            "other bytes",
            "Save the file as UTF-8; extract the file if it is a zip archive.",
        ) from None
    if "\0" in text:
        raise InputError(
            name, "text", "null bytes", "Extract the zip archive, and give the CSV or JSON file in it."
        )
    return text


def _parse_rows(text: str, name: str) -> tuple[RatingsLayout, list[tuple[int, dict[str, str]]]]:
    """Return the layout, and the rows with their line numbers."""
    remedy = "Export your ratings again, and keep the header."
    if text.lstrip()[:1] in ("[", "{"):
        try:
            return TRAKT, list(enumerate(parse_trakt_json(text), 1))
        except ValueError as error:
            raise InputError(name, "Trakt's JSON, a list of ratings", str(error), remedy) from None
    reader = csv.DictReader(io.StringIO(text, newline=""), restval="", strict=True)
    try:
        columns = [(column or "").strip() for column in reader.fieldnames or []]
        reader.fieldnames = columns
        layout = detect_layout(columns)
        if layout is None:
            layouts = "; ".join(
                f"{layout.site}: {', '.join(sorted(layout.required_columns))}" for layout in LAYOUTS
            )
            got = ", ".join(columns)[:200] or "an empty file"
            raise InputError(name, f"the columns of a supported site ({layouts})", got, remedy)
        rows = [
            (
                reader.line_num,
                {column: cell for column, cell in row.items() if column and isinstance(cell, str)},
            )
            for row in reader
        ]
    except csv.Error as error:
        raise InputError(f"{name}: line {reader.line_num}", "valid CSV", str(error), remedy) from None
    return layout, rows


def _detect_scale(layout: RatingsLayout, rows: list[dict[str, str]]) -> int:
    """Return 10 if the site's scale is 10 or a rating is above 5."""
    if layout.scale == 10:
        return 10
    stars = (parse_stars(row.get(layout.rating, ""), 10) for row in rows)
    if any(value is not None and value > MAX_STARS / 2 for value in stars):
        return 10
    return layout.scale


def match_ratings(file: RatingsFile, catalog: MovieCatalog, titles: TitleIndex) -> MatchedRatings:
    """Match each rating with a movie: by id at IMDb or TMDB, by title and year, or by MovieLens' id."""
    rows_by_imdb_id = _rows_by_id(catalog, "imdb_id")
    rows_by_tmdb_id = _rows_by_id(catalog, "tmdb_id")

    def find_movie(rating: ParsedRating) -> tuple[int | None, MatchKind, str]:
        """Return the movie's row and the kind of match, or None and the reason."""
        if rating.imdb_id in rows_by_imdb_id:
            return rows_by_imdb_id[rating.imdb_id], "id", ""
        if rating.tmdb_id in rows_by_tmdb_id:
            return rows_by_tmdb_id[rating.tmdb_id], "id", ""
        if rating.title:
            match = titles.match(rating.title, rating.year)
            return match.row, match.matched_by or "title", match.reason
        if rating.movie_id is not None:
            return catalog.find_rows([rating.movie_id])[0], "id", "unknown movieId"
        return None, "title", "no title"

    matches: dict[int, MatchedRating] = {}
    skipped = list(file.skipped)
    for rating in file.ratings:
        row, kind, reason = find_movie(rating)
        if row is None:
            skipped.append(SkippedRow(rating.line, rating.label, reason))
            continue
        previous = matches[row].rating if row in matches else None
        if previous is not None and (previous.time or 0) > (rating.time or 0):
            skipped.append(SkippedRow(rating.line, rating.label, "rated again later"))
            continue
        if previous is not None:
            skipped.append(SkippedRow(previous.line, previous.label, "rated again later"))
            del matches[row]
        matches[row] = MatchedRating(rating, row, kind)
    return MatchedRatings(file, list(matches.values()), sorted(skipped, key=lambda row: row.line))


def _rows_by_id(catalog: MovieCatalog, column: str) -> dict[int | None, int]:
    ids = catalog.table[column].to_pylist()
    return {identifier: row for row, identifier in enumerate(ids) if identifier is not None}

"""How Letterboxd, IMDb, Trakt and MovieLens write a person's ratings out: their columns, one layout each."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

Row = Mapping[str, str]

SERIES_TYPES = re.compile(r"(?i)^(tv\s?(mini\s?)?series|tv\s?(episode|special|pilot)|show|season|episode)$")
OTHER_TYPES = re.compile(r"(?i)^(video\s?game|music\s?video|podcast.*)$")


@dataclass(frozen=True)
class RatingsLayout:
    """One site's file."""

    name: str
    required_columns: frozenset[str]
    """Columns by which it is recognised."""
    title: str
    year: str
    rating: str
    date: str
    scale: int
    """Highest rating: 5, or 10, which is halved."""
    type: str = ""
    """Column that tells movies from series."""
    imdb: str = ""
    tmdb: str = ""
    movie: str = ""
    """Column with MovieLens' id."""
    user: str = ""
    """Column with the person, where a file may be of several."""


TRAKT = RatingsLayout("Trakt", frozenset({"rated_at", "rating", "title"}), "title", "year", "rating", "rated_at", 10,
               type="type", imdb="imdb_id", tmdb="tmdb_id")  # fmt: skip
LAYOUTS = (
    RatingsLayout("IMDb", frozenset({"Const", "Your Rating"}), "Title", "Year", "Your Rating", "Date Rated", 10,
           type="Title Type", imdb="Const"),
    RatingsLayout("Letterboxd", frozenset({"Name", "Year", "Letterboxd URI"}), "Name", "Year", "Rating", "Date", 5),
    TRAKT,
    RatingsLayout("MovieLens", frozenset({"movie_id", "imdb_id", "tmdb_id", "rating", "title"}), "title", "year",
           "rating", "date", 5, imdb="imdb_id", tmdb="tmdb_id", movie="movie_id"),
    RatingsLayout("GroupLens", frozenset({"userId", "movieId", "rating", "timestamp"}), "title", "year", "rating",
           "timestamp", 5, movie="movieId", user="userId"),
)  # fmt: skip
"""What each site wrote in 2026; a file may have more columns."""


@dataclass(frozen=True)
class ParsedRating:
    """A row that says something of a movie."""

    line: int
    """In the file, from 1; of JSON the entry."""
    title: str
    year: int | None
    stars: float
    """0.5 … 5 in half stars."""
    time: int | None
    """Unix seconds."""
    imdb_id: int | None = None
    tmdb_id: int | None = None
    movie_id: int | None = None


@dataclass(frozen=True)
class SkippedRow:
    """A row that says nothing that can be used."""

    line: int
    title: str
    reason: str


def detect_layout(columns: list[str]) -> RatingsLayout | None:
    """Return the layout of a file with these columns."""
    return next((each for each in LAYOUTS if each.required_columns <= set(columns)), None)


def parse_row(layout: RatingsLayout, line: int, row: Row, scale: int) -> ParsedRating | SkippedRow:
    """Read a row.

    Args:
        layout: of the file.
        line: where the row stands.
        row: cells by column.
        scale: highest rating of the file, 5 or 10.
    """
    title = row.get(layout.title, "").strip()
    kind = row.get(layout.type, "").strip() if layout.type else ""
    if SERIES_TYPES.match(kind):
        return SkippedRow(line, title, f"a series, not a movie ({kind})")
    if OTHER_TYPES.match(kind):
        return SkippedRow(line, title, f"not a movie ({kind})")
    text = row.get(layout.rating, "").strip()
    if not text:
        return SkippedRow(line, title, "no rating")
    stars = parse_stars(text, scale)
    if stars is None:
        return SkippedRow(line, title, f"rating {text[:20]!r} is not on a scale to {scale}")
    ids = (_number(row.get(name, "")) for name in (layout.imdb, layout.tmdb, layout.movie))
    return ParsedRating(
        line, title, _year(row.get(layout.year, "")), stars, parse_timestamp(row.get(layout.date, "")), *ids
    )


def parse_stars(text: str, scale: int) -> float | None:
    """Return stars from 0.5 to 5, rounded to halves; None for what isn't on the scale."""
    try:
        value = float(text.replace(",", ".")) * 5 / scale
    except ValueError:
        return None
    return round(value * 2) / 2 if 0.25 <= value <= 5 else None


def parse_timestamp(text: str) -> int | None:
    """Return Unix seconds of a date such as ``2024-03-09``, ``2024-03-09T20:15:00.000Z`` or a number."""
    text = text.strip()
    if re.fullmatch(r"\d{9,10}", text):
        return int(text)
    readers: tuple[Callable[[str], datetime], ...] = (
        datetime.fromisoformat, lambda t: datetime.strptime(t, "%d/%m/%Y"),
    )  # fmt: skip
    for read in readers:
        try:
            found = read(text)
        except ValueError:
            continue
        seconds = int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())
        return seconds if seconds >= 0 else None
    return None


def _year(text: str) -> int | None:
    found = re.match(r"\s*(\d{4})", text)
    return int(found[1]) if found else None


def _number(text: str) -> int | None:
    found = re.fullmatch(r"\s*(?:tt)?0*(\d{1,12})\s*", text)
    return int(found[1]) if found else None


def parse_trakt_json(text: str) -> list[dict[str, str]]:
    """Return the entries of Trakt's JSON as rows of its columns.

    Raises:
        ValueError: it isn't a list of entries.
    """
    entries = json.loads(text)
    if not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
        raise ValueError("no list of entries")
    return [_flat(each) for each in entries]


def _flat(entry: dict[str, object]) -> dict[str, str]:
    movie, show = entry.get("movie"), entry.get("show")
    about = _object(movie) or _object(show)
    ids = _object(about.get("ids"))
    kind = entry.get("type") or ("movie" if movie else "show")
    cells = {"rated_at": entry.get("rated_at"), "rating": entry.get("rating"), "type": kind,
             "title": about.get("title"), "year": about.get("year"),
             "imdb_id": ids.get("imdb"), "tmdb_id": ids.get("tmdb")}  # fmt: skip
    return {name: "" if cell is None else str(cell) for name, cell in cells.items()}


def _object(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}

"""Layouts of rating exports: the columns of the files by Letterboxd, IMDb, Trakt, MovieLens and GroupLens."""

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
    """The columns of one site's export; a blank name means that there is no such column."""

    site: str
    required_columns: frozenset[str]
    """Columns that identify the layout."""
    title: str
    year: str
    rating: str
    date: str
    scale: int
    """Highest rating: 5, or 10 for ratings that are divided by 2."""
    type: str = ""
    """Column that distinguishes movies from series."""
    imdb_id: str = ""
    tmdb_id: str = ""
    movie_id: str = ""
    """Column with MovieLens' movie id."""
    user: str = ""
    """Column with the user, in files that may contain several users."""


TRAKT = RatingsLayout(
    "Trakt",
    required_columns=frozenset({"rated_at", "rating", "title"}),
    title="title",
    year="year",
    rating="rating",
    date="rated_at",
    scale=10,
    type="type",
    imdb_id="imdb_id",
    tmdb_id="tmdb_id",
)
LAYOUTS = (
    RatingsLayout(
        "IMDb",
        required_columns=frozenset({"Const", "Your Rating"}),
        title="Title",
        year="Year",
        rating="Your Rating",
        date="Date Rated",
        scale=10,
        type="Title Type",
        imdb_id="Const",
    ),
    RatingsLayout(
        "Letterboxd",
        required_columns=frozenset({"Name", "Year", "Letterboxd URI"}),
        title="Name",
        year="Year",
        rating="Rating",
        date="Date",
        scale=5,
    ),
    TRAKT,
    RatingsLayout(
        "MovieLens",
        required_columns=frozenset({"movie_id", "imdb_id", "tmdb_id", "rating", "title"}),
        title="title",
        year="year",
        rating="rating",
        date="date",
        scale=5,
        imdb_id="imdb_id",
        tmdb_id="tmdb_id",
        movie_id="movie_id",
    ),
    RatingsLayout(
        "GroupLens",
        required_columns=frozenset({"userId", "movieId", "rating", "timestamp"}),
        title="title",
        year="year",
        rating="rating",
        date="timestamp",
        scale=5,
        movie_id="movieId",
        user="userId",
    ),
)
"""The exports as of 2026; a file may have more columns."""


@dataclass(frozen=True)
class ParsedRating:
    """A row with a usable rating."""

    line: int
    """Line number in a CSV file, entry number in a JSON file; from 1."""
    title: str
    year: int | None
    stars: float
    """0.5 … 5 in half stars."""
    time: int | None
    """Unix time in seconds."""
    imdb_id: int | None = None
    tmdb_id: int | None = None
    movie_id: int | None = None

    @property
    def label(self) -> str:
        """Title and year, such as ``Heat (1995)``; the movie id if there is no title."""
        label = self.title or (f"movieId {self.movie_id}" if self.movie_id is not None else "")
        if not self.year or label.endswith(f"({self.year})"):
            return label
        return f"{label} ({self.year})"


@dataclass(frozen=True)
class SkippedRow:
    """A row without a usable rating."""

    line: int
    title: str
    reason: str


def detect_layout(columns: list[str]) -> RatingsLayout | None:
    """Return the layout of a file with these columns; None if there is none."""
    return next((layout for layout in LAYOUTS if layout.required_columns <= set(columns)), None)


def parse_row(layout: RatingsLayout, line: int, row: Row, scale: int) -> ParsedRating | SkippedRow:
    """Parse one row of a file.

    Args:
        layout: layout of the file.
        line: number of the row.
        row: cells by column name.
        scale: highest rating of the file, 5 or 10.
    """
    title = row.get(layout.title, "").strip()
    row_type = row.get(layout.type, "").strip() if layout.type else ""
    if SERIES_TYPES.match(row_type):
        return SkippedRow(line, title, f"a series, not a movie ({row_type})")
    if OTHER_TYPES.match(row_type):
        return SkippedRow(line, title, f"not a movie ({row_type})")
    text = row.get(layout.rating, "").strip()
    if not text:
        return SkippedRow(line, title, "no rating")
    stars = parse_stars(text, scale)
    if stars is None:
        return SkippedRow(line, title, f"rating {text[:20]!r} is not on a scale to {scale}")
    return ParsedRating(
        line=line,
        title=title,
        year=_parse_year(row.get(layout.year, "")),
        stars=stars,
        time=parse_timestamp(row.get(layout.date, "")),
        imdb_id=_parse_id(row.get(layout.imdb_id, "")),
        tmdb_id=_parse_id(row.get(layout.tmdb_id, "")),
        movie_id=_parse_id(row.get(layout.movie_id, "")),
    )


def parse_stars(text: str, scale: int) -> float | None:
    """Return stars from 0.5 to 5, rounded to half stars; None if the rating is not on the scale."""
    try:
        value = float(text.replace(",", ".")) * 5 / scale
    except ValueError:
        return None
    return round(value * 2) / 2 if 0.25 <= value <= 5 else None


def parse_timestamp(text: str) -> int | None:
    """Return the Unix time of a date (ISO 8601 or day/month/year) or of a number of seconds."""
    text = text.strip()
    if re.fullmatch(r"\d{9,10}", text):
        return int(text)
    parsers: tuple[Callable[[str], datetime], ...] = (
        datetime.fromisoformat,
        lambda date: datetime.strptime(date, "%d/%m/%Y"),
    )
    for parse in parsers:
        try:
            moment = parse(text)
        except ValueError:
            continue
        seconds = int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
        return seconds if seconds >= 0 else None
    return None


def _parse_year(text: str) -> int | None:
    match = re.match(r"\s*(\d{4})", text)
    return int(match[1]) if match else None


def _parse_id(text: str) -> int | None:
    match = re.fullmatch(r"\s*(?:tt)?0*(\d{1,12})\s*", text)
    return int(match[1]) if match else None


def parse_trakt_json(text: str) -> list[dict[str, str]]:
    """Return the entries of Trakt's JSON export as rows with the columns of its CSV export.

    Raises:
        ValueError: the text is not a JSON list of objects.
    """
    entries = json.loads(text)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ValueError("not a list of objects")
    return [_flatten_entry(entry) for entry in entries]


def _flatten_entry(entry: dict[str, object]) -> dict[str, str]:
    movie = entry.get("movie")
    item = _as_object(movie) or _as_object(entry.get("show"))
    ids = _as_object(item.get("ids"))
    cells = {
        "rated_at": entry.get("rated_at"),
        "rating": entry.get("rating"),
        "type": entry.get("type") or ("movie" if movie else "show"),
        "title": item.get("title"),
        "year": item.get("year"),
        "imdb_id": ids.get("imdb"),
        "tmdb_id": ids.get("tmdb"),
    }
    return {name: "" if cell is None else str(cell) for name, cell in cells.items()}


def _as_object(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}

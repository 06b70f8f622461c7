"""Reading a rating export: its rows, with the scale and the dates told from whole columns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reelgraph.app.rating_imports.archives import is_zip, read_ratings_member
from reelgraph.app.rating_imports.dates import DateColumn, parse_dates
from reelgraph.app.rating_imports.layouts import (
    ListedMovie,
    ParsedRating,
    RatingColumn,
    SkippedRow,
    describe_title_type,
    normalize_column,
)
from reelgraph.app.rating_imports.rating_rows import RatingRows, Row, read_rows
from reelgraph.app.rating_imports.scales import (
    SCALE_HINT,
    WrittenRating,
    parse_rating,
    select_scale,
    to_stars,
)
from reelgraph.runtime.errors import InputError, wrap_os_error

MAX_FILE_BYTES = 20_000_000
MAX_TITLE_CHARS = 500
"""Characters of a title or id that are read; no movie's title is as long."""
MISSING = frozenset({"", "nan", "nat", "none", "null", "n/a", "#n/a", "<na>", "-", "\\n"})
"""Cells without a value, in lower case."""
YEAR = re.compile(r"(?<!\d)(1[89]\d\d|2[01]\d\d)(?!\d)")
IMDB_ID = re.compile(r"tt0*(\d{1,12})(?!\d)|^0*(\d{1,12})(?:\.0)?$", re.ASCII | re.IGNORECASE)
"""An id such as ``tt0113277`` or 113277, or the address of its page."""
NUMERIC_ID = re.compile(r"^0*(\d{1,12})(?:\.0)?$", re.ASCII)


@dataclass(frozen=True)
class RatingsFile:
    """The rows of a rating export."""

    site: str
    scale: int
    """Highest rating: 5, 10 or 100; ratings were mapped to half stars."""
    rows: int
    ratings: list[ParsedRating]
    skipped: list[SkippedRow]
    notes: tuple[str, ...]
    """How the file was read: the file in an archive, the encoding, the scale, and the dates."""
    warnings: tuple[str, ...]
    """What may be wrong: a scale or an encoding that was inferred, and dates that were not understood."""


def read_ratings_file(path: Path | str, scale: int | None = None) -> RatingsFile:
    """Read a rating export.

    Args:
        path: a CSV or JSON file, or a site's zip archive.
        scale: highest rating of the scale; None if the file tells it.

    Raises:
        InputError: the file does not exist, is too large or not text, has the columns of no supported site,
            or has the ratings of several users.
    """
    return parse_ratings_file(read_content(path), str(path), scale)


def read_content(path: Path | str) -> bytes:
    """Read a file of at most ``MAX_FILE_BYTES``.

    Raises:
        InputError: there is no such file, or it is too large.
        ReelgraphError: the operating system can't read it.
    """
    file = Path(path)
    if not file.is_file():
        got = "a folder" if file.is_dir() else "a device or a pipe" if file.exists() else "no file"
        raise InputError(str(path), "a file of ratings", got, "Give the file that the site exported.")
    size = file.stat().st_size
    if size > MAX_FILE_BYTES:
        raise InputError(
            str(path), f"at most {MAX_FILE_BYTES:,} bytes", f"{size:,}", "Give the ratings of one user."
        )
    try:
        return file.read_bytes()
    except OSError as error:
        raise wrap_os_error(error, str(path)) from None


def parse_ratings_file(
    content: bytes, name: str, scale: int | None = None, scale_hint: str = SCALE_HINT
) -> RatingsFile:
    """Parse the content of a rating export.

    Args:
        content: the bytes of the file.
        name: name of the file in error messages.
        scale: highest rating of the scale; None if the file tells it.
        scale_hint: how the user states the scale, for messages.

    Raises:
        InputError: the content is not text, has the columns of no supported site, or has several users; its
            scale is ambiguous.
    """
    notes: list[str] = []
    warnings: list[str] = []
    if is_zip(content):
        member, content = read_ratings_member(content, name, MAX_FILE_BYTES)
        name = f"{name}: {member}"
        notes.append(f"Read {member} of the archive.")
    table = read_rows(content, name)
    if table.encoding:
        warnings.append(f"The text is not UTF-8; it was read as {table.encoding}.")
    _check_one_user(table, name)
    column = _select_rating_column(table)
    texts = _cells(table, (column.name,))
    written = [parse_rating(text) for text in texts]
    stated_scales = {rating.scale for rating in written if rating.scale is not None}
    known_numbers = [
        rating.number for rating in written if rating.number is not None and rating.scale is None
    ]
    if stated_scales and not known_numbers:
        highest = max(stated_scales)
    else:
        where = f"{name}: column {column.name}"
        highest = select_scale(known_numbers, column.scale, scale, where, scale_hint)
    halving = "" if highest == 5 else f", divided by {highest // 5}"
    notes.append(f"Ratings are on a scale to {highest}{halving}.")
    if scale is None and column.scale is None and known_numbers:
        warnings.append(f"The scale to {highest} was inferred from the ratings. {scale_hint}")
    if scale is not None and column.scale is not None and highest != scale:
        site = table.layout.site
        warnings.append(f"The scale to {scale} is not used for {name}: ratings of {site} are to {highest}.")
    dates = parse_dates(_cells(table, table.layout.date))
    ratings, skipped = _parse_rating_rows(table, texts, written, highest, dates.times)
    n_dated = sum(time is not None for time in dates.times)
    notes.append(f"{n_dated:,} of {len(table.rows):,} rows have a date that was understood.")
    warnings += _describe_lost_dates(dates)
    warnings += _describe_lost_years(_cells(table, table.layout.year))
    return RatingsFile(
        site=table.layout.site,
        scale=highest,
        rows=len(table.rows) + len(table.skipped),
        ratings=ratings,
        skipped=sorted([*table.skipped, *skipped], key=lambda row: row.line),
        notes=tuple(notes),
        warnings=tuple(warnings),
    )


def _check_one_user(table: RatingRows, name: str) -> None:
    users = set(filter(None, _cells(table, table.layout.user)))
    if len(users) > 1:
        where = f"{name}: column {table.layout.user[0]}"
        raise InputError(where, "one user", "several users", "Keep the rows of one user.")


def _select_rating_column(table: RatingRows) -> RatingColumn:
    """Return the layout's first column of ratings that has any."""
    for column in table.layout.ratings:
        if any(_cells(table, (column.name,))):
            return column
    return table.layout.ratings[-1]


def _parse_rating_rows(
    table: RatingRows,
    texts: Sequence[str],
    written: Sequence[WrittenRating],
    scale: int,
    times: Sequence[int | None],
) -> tuple[list[ParsedRating], list[SkippedRow]]:
    movies = parse_listed_movies(table)
    ratings: list[ParsedRating] = []
    skipped: list[SkippedRow] = []
    for index, (line, _) in enumerate(table.rows):
        number, stated_scale = written[index]
        stars = None if number is None else to_stars(number, stated_scale or scale)
        if stars is None:
            reason = (
                f"rating {texts[index][:20]!r} is not on a scale to {scale}" if texts[index] else "no rating"
            )
            skipped.append(SkippedRow(line, movies[index].title, reason))
            continue
        ratings.append(ParsedRating(**vars(movies[index]), stars=stars, time=times[index]))
    return ratings, skipped


def parse_listed_movies(table: RatingRows) -> list[ListedMovie]:
    """Return the movie that each row names."""
    layout = table.layout
    title_columns = [normalize_column(name) for name in layout.titles]
    columns = (layout.year, layout.imdb_id, layout.tmdb_id, layout.movie_id, layout.type)
    cells = zip(*(_cells(table, names) for names in columns), strict=True)
    movies = []
    for (line, row), (released, imdb_id, tmdb_id, movie_id, title_type) in zip(
        table.rows, cells, strict=True
    ):
        year = YEAR.search(released)
        movie = ListedMovie(
            line=line,
            titles=_parse_titles(row, title_columns, layout.title_separator),
            year=int(year[1]) if year else None,
            imdb_id=_parse_id(IMDB_ID, imdb_id),
            tmdb_id=_parse_id(NUMERIC_ID, tmdb_id),
            movie_id=_parse_id(NUMERIC_ID, movie_id),
            source_movie_id=movie_id[:MAX_TITLE_CHARS],
            not_a_movie=describe_title_type(title_type),
        )
        movies.append(movie)
    return movies


def _cells(table: RatingRows, columns: Sequence[str]) -> list[str]:
    """Return for each row the first text of some columns, without a mark of missing values."""
    names = [normalize_column(column) for column in columns]
    return [next(filter(None, (_clean_cell(row, name) for name in names)), "") for _, row in table.rows]


def _clean_cell(row: Row, column: str) -> str:
    text = row.get(column, "").strip()
    return "" if text.lower() in MISSING else text


def _parse_titles(row: Row, columns: Sequence[str], separator: str) -> tuple[str, ...]:
    cells = [" ".join(row.get(column, "").split()) for column in columns]
    titles = [
        title[:MAX_TITLE_CHARS]
        for cell in cells
        for title in (cell.split(separator) if separator else [cell])
    ]
    return tuple(dict.fromkeys(title for title in titles if title))


def _parse_id(pattern: re.Pattern[str], text: str) -> int | None:
    match = pattern.search(text)
    return int(match[match.lastindex or 0]) if match else None


def _describe_lost_years(texts: Sequence[str]) -> list[str]:
    lost = [text for text in texts if text and not YEAR.search(text)]
    if not lost:
        return []
    return [f"{len(lost):,} years were not understood, such as {lost[0][:30]!r}. Write years as 1995."]


def _describe_lost_dates(dates: DateColumn) -> list[str]:
    lost = []
    if dates.n_ambiguous:
        lost.append(f"{dates.n_ambiguous:,} dates may be day/month or month/day")
    if dates.n_unreadable:
        lost.append(f"{dates.n_unreadable:,} dates were not understood")
    if not lost:
        return []
    lost[-1] += f", such as {dates.example!r}. Those ratings count as undated; write dates as 2024-03-09."
    return [" and ".join(lost)]

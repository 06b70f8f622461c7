"""Reads TMDB's movies from public data sets, which the names of the files identify.

- Kaggle "The Movies Dataset": ``movies_metadata*.csv``, ``credits*.csv``
- "TMDB 5000": ``tmdb_5000_movies*.csv``, ``tmdb_5000_credits*.csv``
- "TMDB movies" of 930,000 movies: ``TMDB_movie_dataset*.csv``, without people
- any other: ``tmdb_movies*.csv``, with cast and director, such as "TMDB movies 10k"

Lists of the first two are JSON or Python literals. Those of the others may be names joined by bars or commas,
as the cells of the file show. The credits may be missing, or cover only some of the movies.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from reelgraph.core.schemas.columns import (
    ACTOR_COLUMNS,
    ENTITY_COLUMNS,
    FIRST_YEAR,
    GENRE_COLUMNS,
    LAST_YEAR,
    MAX_RUNTIME_MINUTES,
)
from reelgraph.runtime.errors import InputError
from reelgraph.sources.delimited import DelimitedFile, read_batches, read_header, read_table
from reelgraph.sources.json_lists import JsonListParser
from reelgraph.sources.missing_values import is_missing
from reelgraph.sources.titles import ArrowColumn, empty_to_null, join_nonnull, null_where, split_names

TEXT_COLUMNS = ("original_title", "tagline", "overview")

NUMBER_COLUMNS = ("release_year", "runtime_minutes")

LIST_COLUMNS = {
    "production_companies": ENTITY_COLUMNS["company"],
    "production_countries": ENTITY_COLUMNS["country"],
    "spoken_languages": ENTITY_COLUMNS["language"],
}
"""TMDB's list → columns of the catalogue for its first entries; genres are joined into one text."""

PEOPLE_COLUMNS = {
    "cast": ENTITY_COLUMNS["actor"],
    "director": ENTITY_COLUMNS["director"],
    "writers": ENTITY_COLUMNS["writer"],
}
"""The same for lists of people, in files without credits."""

NO_OVERVIEW = ("No overview found.", "No Overview")
"""TMDB's placeholders for a missing overview."""

WHOLE_NUMBER = r"^\s*(?P<n>\d{1,18})(?:\.0)?\s*$"
"""An id; pandas writes 862.0 in a column with gaps."""


@dataclass(frozen=True)
class TmdbLayout:
    """The files of one TMDB data set."""

    movies: str
    """Pattern of the movies' file name."""
    credits: str = ""
    """Pattern of the credits' file name; empty if there is no such file."""
    credits_id: str = ""
    """Column with the movie's id in the credits."""
    json_only: bool = False
    """Whether a list that is neither JSON nor a Python literal is malformed."""


LAYOUTS = (
    TmdbLayout("movies_metadata*.csv", "credits*.csv", "id", json_only=True),
    TmdbLayout("tmdb_5000_movies*.csv", "tmdb_5000_credits*.csv", "movie_id", json_only=True),
    TmdbLayout("tmdb_movie_dataset*.csv"),
    TmdbLayout("tmdb_movies*.csv"),
)
"""In order of precedence: later data sets fill the missing values of earlier ones."""


@dataclass
class TmdbFiles:
    """The files of one data set in a folder, and counts of bad rows and cells."""

    layout: TmdbLayout
    movies_path: Path
    credits_path: Path | None
    parser: JsonListParser = field(default_factory=JsonListParser)
    separator: str = ", "
    """Between the names of lists that are not JSON; ``read_movies`` detects it."""
    skipped: int = 0
    """Rows with too few or too many cells, or without a whole number as id."""

    def read_movies(self) -> pa.Table:
        """Read the movies, the first row of each id, with lists unparsed.

        Returns:
            tmdb_id, imdb_id (int64, null if unknown), release_year and runtime_minutes (int64 or null), and
            text columns with TMDB's names, blank if unknown.
        """
        required = ["id", "original_title"]
        optional = ["imdb_id", "title", "tagline", "overview", "release_date", "release_year",
                    "runtime", *PEOPLE_COLUMNS, "genres", *LIST_COLUMNS]  # fmt: skip
        header = read_header(DelimitedFile(self.movies_path, dict.fromkeys(required, pa.string())))
        columns = required + [name for name in optional if name in header]
        table = read_table(DelimitedFile(self.movies_path, dict.fromkeys(columns, pa.string())), self._skip)
        empty = pa.repeat(pa.scalar(""), len(table))
        for name in optional:
            table = table if name in columns else table.append_column(name, empty)
        self.separator = _detect_separator(table)
        return self._parse_numbers(table)

    def _parse_numbers(self, table: pa.Table) -> pa.Table:
        has_id = pc.match_substring_regex(table["id"], WHOLE_NUMBER)
        self.skipped += len(table) - (pc.sum(has_id).as_py() or 0)
        table = table.filter(has_id)
        ids = _number(table["id"], WHOLE_NUMBER)
        # A spreadsheet may have put the year last.
        year = pc.coalesce(_number(table["release_date"], r"\b(?P<n>\d{4})\b"),
                           _number(table["release_year"], r"^(?P<n>\d{4})(?:\.0)?$"))  # fmt: skip
        runtime = _number(table["runtime"], WHOLE_NUMBER)
        table = table.drop_columns(["id", "release_date", "release_year", "runtime"])
        table = table.append_column("tmdb_id", ids)
        table = table.append_column("release_year", _null_outside(year, FIRST_YEAR, LAST_YEAR))
        # TMDB has 0 for an unknown runtime.
        table = table.append_column("runtime_minutes", _null_outside(runtime, 1.0, MAX_RUNTIME_MINUTES))
        imdb = _number(table["imdb_id"], r"^(?:tt)?(?P<n>\d{1,18})$")
        return _first_row_per_id(table.drop_columns("imdb_id").append_column("imdb_id", imdb))

    def catalog_columns(self, movies: pa.Table) -> pa.Table:
        """Return tmdb_id and the catalogue's columns of some of the movies that ``read_movies`` returned.

        Column ``genres`` has a movie's first genres, separated by ``|``.
        """
        columns = {name: movies[name] for name in ("tmdb_id", *TEXT_COLUMNS, *NUMBER_COLUMNS)}
        is_placeholder = pc.is_in(movies["overview"], pa.array(NO_OVERVIEW))
        columns["overview"] = pc.if_else(is_placeholder, "", movies["overview"])
        columns |= self._named_columns(movies, LIST_COLUMNS)
        genres = self._names(movies, "genres", len(GENRE_COLUMNS))
        columns["genres"] = join_nonnull([empty_to_null(names) for names in genres], "|")
        if self.credits_path is not None:
            credits = self._read_credits(self.credits_path, movies["tmdb_id"])
            return pa.table(columns).join(credits, "tmdb_id")
        return pa.table(columns | self._named_columns(movies, PEOPLE_COLUMNS))

    def _named_columns(
        self, movies: pa.Table, columns_of_list: Mapping[str, tuple[str, ...]]
    ) -> dict[str, ArrowColumn]:
        """Return the columns of the catalogue for the first names of TMDB's lists."""
        columns: dict[str, ArrowColumn] = {}
        for name, catalog_names in columns_of_list.items():
            names = self._names(movies, name, len(catalog_names))
            columns |= dict(zip(catalog_names, names, strict=True))
        return columns

    def _names(self, movies: pa.Table, name: str, count: int) -> list[ArrowColumn]:
        """Return arrays with the first, second, … name of a column's lists."""
        cells = null_where(movies[name], is_missing(movies[name]))
        if self.layout.json_only or pc.any(pc.match_substring_regex(cells, r"^\s*\[")).as_py():
            return self.parser.names(cells, count)
        return split_names(cells, self.separator, count)

    def _read_credits(self, path: Path, tmdb_ids: ArrowColumn) -> pa.Table:
        """Read cast and crew of the movies, one block of the file at a time."""
        id_column = self.layout.credits_id
        file = DelimitedFile(path, dict.fromkeys((id_column, "cast", "crew"), pa.string()))
        ids = pc.cast(tmdb_ids, pa.string()).combine_chunks()
        parts = [self._parse_credits(batch.filter(pc.is_in(batch[id_column], ids)), id_column)
                 for batch in read_batches(file, self._skip)]  # fmt: skip
        return _first_row_per_id(pa.concat_tables(parts)) if parts else _empty_credits()

    def _parse_credits(self, batch: pa.RecordBatch, id_column: str) -> pa.Table:
        director, writer = self.parser.crew(batch["crew"])
        actors = dict(zip(ACTOR_COLUMNS, self.parser.cast(batch["cast"], len(ACTOR_COLUMNS)), strict=True))
        ids = pc.cast(batch[id_column], pa.int64())
        return pa.table({"tmdb_id": ids, **actors, "director_1": director, "writer_1": writer})

    def _skip(self) -> None:
        self.skipped += 1


def find_tmdb_files(folder: Path) -> list[TmdbFiles]:
    """Return a folder's TMDB data sets in order of precedence; none for an empty or missing folder.

    Raises:
        InputError: the folder has CSV files, but none with a known name, or a pattern matches several files.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(str(folder), "a folder with TMDB's files, or none", "a file",
                         "Set data.tmdb to the folder that the file is in.")  # fmt: skip
    csv_names = sorted(path.name for path in folder.glob("*.csv")) if folder.is_dir() else []
    data_sets = [
        TmdbFiles(layout, movies, _find_file(folder, layout.credits) if layout.credits else None)
        for layout in LAYOUTS
        if (movies := _find_file(folder, layout.movies))
    ]
    if csv_names and not data_sets:
        patterns = ", ".join(layout.movies for layout in LAYOUTS)
        raise InputError(str(folder), f"one of {patterns}", ", ".join(csv_names[:8]),
                         "Rename a file with the columns id and original_title to tmdb_movies.csv, "
                         "or set data.tmdb to an empty folder.")  # fmt: skip
    return data_sets


def _find_file(folder: Path, pattern: str) -> Path | None:
    """Return the file that matches a pattern in any case."""
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    matches = [path for path in files if path.is_file() and fnmatchcase(path.name.lower(), pattern)]
    if len(matches) > 1:
        raise InputError(str(folder), f"one file {pattern}", ", ".join(path.name for path in matches),
                         "Leave one of them in the folder.")  # fmt: skip
    return matches[0] if matches else None


def _number(column: ArrowColumn, pattern: str) -> ArrowColumn:
    return pc.cast(pc.struct_field(pc.extract_regex(column, pattern), "n"), pa.int64())


def _null_outside(numbers: ArrowColumn, minimum: float, maximum: float) -> ArrowColumn:
    inside = pc.and_(pc.greater_equal(numbers, minimum), pc.less_equal(numbers, maximum))
    return pc.if_else(inside, numbers, pa.scalar(None, pa.int64()))


def _first_row_per_id(table: pa.Table) -> pa.Table:
    """Keep the first row of each tmdb_id."""
    numbered = table.append_column("row", pa.array(range(len(table)), pa.int64()))
    first = numbered.group_by("tmdb_id", use_threads=False).aggregate([("row", "min")])["row_min"]
    return table.take(first.combine_chunks().sort())


def _detect_separator(movies: pa.Table) -> str:
    """Return a bar if any list of the file has one, otherwise a comma with a space."""
    lists = (movies[name] for name in (*PEOPLE_COLUMNS, "genres", *LIST_COLUMNS))
    return "|" if any(pc.any(pc.match_substring(cells, "|")).as_py() for cells in lists) else ", "


def _empty_credits() -> pa.Table:
    texts = dict.fromkeys((*ACTOR_COLUMNS, "director_1", "writer_1"), pa.array([], pa.string()))
    return pa.table({"tmdb_id": pa.array([], pa.int64()), **texts})

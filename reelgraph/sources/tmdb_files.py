"""TMDB's movies as people downloaded them: three layouts, told by the files' names.

- Kaggle "The Movies Dataset": ``movies_metadata*.csv``, ``credits*.csv`` (Python literals)
- "TMDB 5000": ``tmdb_5000_movies*.csv``, ``tmdb_5000_credits*.csv`` (JSON)
- "TMDB movies 10k": ``tmdb_movies*.csv`` (names joined by bars, people included)

Credits may be missing or cover a part of the movies.
"""

from __future__ import annotations

import ast
import json
import math
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from reelgraph.runtime.errors import InputError
from reelgraph.sources.arrow_text import ArrowColumn
from reelgraph.sources.delimited import DelimitedFile, read_batches, read_header, read_table

TITLES = ("original_title", "tagline", "overview")

FIRST_NAMES = {
    "genre_1": "genres",
    "produced_by_company_1": "production_companies",
    "produced_in_country_1": "production_countries",
    "spoken_language_1": "spoken_languages",
}
"""The catalogue's column → TMDB's list of which it is the first."""

ACTOR_COLUMNS = ("actor_1", "actor_2", "actor_3")

NO_OVERVIEW = ("No overview found.", "No Overview")
"""What TMDB writes where it has no overview."""


@dataclass(frozen=True)
class Layout:
    """One way of laying TMDB's movies into files."""

    movies: str
    """Pattern of the file's name."""
    credits: str = ""
    """Pattern of the file with cast and crew, where that is a file of its own."""
    credits_id: str = ""
    """The movie's id there."""
    bars: bool = False
    """Lists are names joined by bars, with cast and director among the movie's columns."""


LAYOUTS = (
    Layout("movies_metadata*.csv", "credits*.csv", "id"),
    Layout("tmdb_5000_movies*.csv", "tmdb_5000_credits*.csv", "movie_id"),
    Layout("tmdb_movies*.csv", bars=True),
)
"""In this order: what the first knows of a movie stands, the others fill its gaps."""


@dataclass
class TmdbFiles:
    """One layout's files in a folder, and what was wrong with them."""

    layout: Layout
    movies_path: Path
    credits_path: Path | None
    parser: JsonListParser = field(default_factory=lambda: JsonListParser())
    skipped: int = 0
    """Rows with too few or too many cells, or without a whole number as id."""

    def read_movies(self) -> pa.Table:
        """Read the movies, lists as they stand in the cells, one row an id (the first).

        Returns:
            tmdb_id, imdb_id (int64, null if unknown), release_year (int64 or null), and
            text columns by TMDB's names, blank where unknown.
        """
        wanted = ["id", "original_title"]
        optional = ["imdb_id", "title", "tagline", "overview", "release_date", "release_year", "cast",
                    "director", *FIRST_NAMES.values()]  # fmt: skip
        there = read_header(DelimitedFile(self.movies_path, dict.fromkeys(wanted, pa.string())))
        columns = wanted + [name for name in optional if name in there]
        table = read_table(DelimitedFile(self.movies_path, dict.fromkeys(columns, pa.string())), self._skip)
        blank = pa.repeat(pa.scalar(""), len(table))
        for name in optional:
            table = table if name in columns else table.append_column(name, blank)
        return self._with_ids(table)

    def _with_ids(self, table: pa.Table) -> pa.Table:
        numbered = pc.match_substring_regex(table["id"], r"^\s*\d{1,18}\s*$")
        self.skipped += len(table) - (pc.sum(numbered).as_py() or 0)
        table = table.filter(numbered)
        ids = pc.cast(pc.utf8_trim_whitespace(table["id"]), pa.int64())
        year = pc.coalesce(_number(table["release_date"], r"^(?P<n>\d{4})-"),
                           _number(table["release_year"], r"^(?P<n>\d{4})(?:\.0)?$"))  # fmt: skip
        table = table.drop_columns(["id", "release_date", "release_year"])
        table = table.append_column("tmdb_id", ids).append_column("release_year", _plausible(year))
        imdb = _number(table["imdb_id"], r"^tt(?P<n>\d{1,18})$")
        return _first_of_each(table.drop_columns("imdb_id").append_column("imdb_id", imdb))

    def fields(self, movies: pa.Table) -> pa.Table:
        """Return tmdb_id and the catalogue's columns for some of the movies read."""
        columns = {name: movies[name] for name in ("tmdb_id", *TITLES, "release_year")}
        placeholder = pc.is_in(movies["overview"], pa.array(NO_OVERVIEW))
        columns["overview"] = pc.if_else(placeholder, "", movies["overview"])
        names = _bars if self.layout.bars else self.parser.names
        for ours, theirs in FIRST_NAMES.items():
            columns[ours] = names(movies[theirs], 1)[0]
        if self.layout.bars:
            columns |= dict(zip(ACTOR_COLUMNS, _bars(movies["cast"], 3), strict=True))
            columns["director_1"] = _bars(movies["director"], 1)[0]
        table = pa.table(columns)
        return table.join(self._people(movies["tmdb_id"]), "tmdb_id") if self.credits_path else table

    def _people(self, wanted: ArrowColumn) -> pa.Table:
        """Read the wanted movies' cast and crew, a block of the file at a time."""
        assert self.credits_path is not None
        key = self.layout.credits_id
        file = DelimitedFile(self.credits_path, dict.fromkeys((key, "cast", "crew"), pa.string()))
        ids = pc.cast(wanted, pa.string())
        parts = [self._parsed(batch.filter(pc.is_in(batch[key], ids.combine_chunks())), key)
                 for batch in read_batches(file, self._skip)]  # fmt: skip
        return _first_of_each(pa.concat_tables(parts)) if parts else _nobody()

    def _parsed(self, batch: pa.RecordBatch, key: str) -> pa.Table:
        director, writer = self.parser.crew(batch["crew"])
        actors = dict(zip(ACTOR_COLUMNS, self.parser.cast(batch["cast"], 3), strict=True))
        ids = pc.cast(batch[key], pa.int64())
        return pa.table({"tmdb_id": ids, **actors, "director_1": director, "writer_1": writer})

    def _skip(self) -> None:
        self.skipped += 1


def find_tmdb_files(folder: Path) -> list[TmdbFiles]:
    """Return what a folder has of TMDB, best first; nothing for an empty or missing folder.

    Raises:
        InputError: there are CSV files, and none has a name known here; or one
            pattern fits several files.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(str(folder), "a folder with TMDB's files, or none", "a file",
                         "Set data.tmdb to the folder that the file is in.")  # fmt: skip
    there = sorted(path.name for path in folder.glob("*.csv")) if folder.is_dir() else []
    found = [
        TmdbFiles(layout, movies, _one(folder, layout.credits) if layout.credits else None)
        for layout in LAYOUTS
        if (movies := _one(folder, layout.movies))
    ]
    if there and not found:
        patterns = ", ".join(layout.movies for layout in LAYOUTS)
        raise InputError(str(folder), f"one of {patterns}", ", ".join(there[:8]),
                         "Name TMDB's files so, or set data.tmdb to an empty folder.")  # fmt: skip
    return found


def _one(folder: Path, pattern: str) -> Path | None:
    found = sorted(folder.glob(pattern)) if folder.is_dir() else []
    if len(found) > 1:
        raise InputError(str(folder), f"one file {pattern}", ", ".join(path.name for path in found),
                         "Leave one of them in the folder.")  # fmt: skip
    return found[0] if found else None


def _number(column: ArrowColumn, pattern: str) -> ArrowColumn:
    return pc.cast(pc.struct_field(pc.extract_regex(column, pattern), "n"), pa.int64())


def _plausible(years: ArrowColumn) -> ArrowColumn:
    inside = pc.and_(pc.greater_equal(years, 1800), pc.less_equal(years, 2200))
    return pc.if_else(inside, years, pa.scalar(None, pa.int64()))


def _first_of_each(table: pa.Table) -> pa.Table:
    """Keep the first row of each tmdb_id."""
    numbered = table.append_column("row", pa.array(range(len(table)), pa.int64()))
    first = numbered.group_by("tmdb_id", use_threads=False).aggregate([("row", "min")])["row_min"]
    return table.take(first.combine_chunks().sort())


def _bars(column: ArrowColumn, count: int) -> list[ArrowColumn]:
    """Return the first names of cells such as ``A|B|C``, one column a place."""
    padded = pc.binary_join_element_wise(column, "|" * count, "")
    pattern = "^" + r"\|".join(f"(?P<p{place}>[^|]*)" for place in range(count))
    found = pc.extract_regex(padded, pattern)
    return [pc.struct_field(found, f"p{place}") for place in range(count)]


def _nobody() -> pa.Table:
    texts = dict.fromkeys((*ACTOR_COLUMNS, "director_1", "writer_1"), pa.array([], pa.string()))
    return pa.table({"tmdb_id": pa.array([], pa.int64()), **texts})


WRITER_JOBS = ("Screenplay", "Writer", "Story", "Author", "Novel")
"""Who counts as writer_1; earlier jobs win over later ones."""

MALFORMED = (ValueError, SyntaxError, TypeError, RecursionError, MemoryError)

DEEPEST = 50
"""Brackets in a row; more are no list of records, and Python's parser crashes on very many."""


@dataclass
class JsonListParser:
    """Reads columns of such cells; counts those that are no list of records."""

    malformed: int = 0

    def names(self, column: ArrowColumn, count: int) -> list[pa.Array]:
        """Return the first ``count`` names of each cell, one array a place, null where it has fewer."""
        lists = self._records(column).map(lambda records: _texts(records, "name"))
        return [_place(lists, place) for place in range(count)]

    def cast(self, column: ArrowColumn, count: int) -> list[pa.Array]:
        """Return the first names by the records' ``order``, as ``names`` does."""
        lists = self._records(column).map(lambda records: _texts(sorted(records, key=_order), "name"))
        return [_place(lists, place) for place in range(count)]

    def crew(self, column: ArrowColumn) -> tuple[pa.Array, pa.Array]:
        """Return the first director and the first writer of each cell."""
        records = self._records(column)
        directors = records.map(lambda crew: _with_job(crew, ("Director",)))
        writers = records.map(lambda crew: _with_job(crew, WRITER_JOBS))
        return _place(directors, 0), _place(writers, 0)

    def _records(self, column: ArrowColumn) -> pd.Series:
        return pd.Series(column.to_pylist(), dtype=object).map(self._parse)

    def _parse(self, cell: str | None) -> list[dict]:
        if not cell or not cell.strip():
            return []
        try:
            found = _literal(cell)
        except MALFORMED:
            found = None
        if isinstance(found, list) and all(isinstance(record, dict) for record in found):
            return found
        self.malformed += 1
        return []


def _literal(cell: str) -> object:
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        pass
    if "[" * DEEPEST in cell or "(" * DEEPEST in cell or "{" * DEEPEST in cell or "-" * DEEPEST in cell:
        raise ValueError("too deep")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # names with a backslash
        return ast.literal_eval(cell)


def _order(record: dict) -> int | float:
    order = record.get("order")
    # Python compares whole numbers of any size with floats.
    return order if isinstance(order, int | float) and order == order else math.inf


def _texts(records: list[dict], key: str) -> list[str]:
    values = (record.get(key) for record in records)
    whole = (value.encode("utf-8", "ignore").decode() for value in values if isinstance(value, str))
    return [value for value in whole if value.strip()]  # JSON may escape half a sign, which no file can hold


def _with_job(crew: list[dict], jobs: tuple[str, ...]) -> list[str]:
    return [name for job in jobs for name in _texts([p for p in crew if p.get("job") == job], "name")]


def _place(lists: pd.Series, place: int) -> pa.Array:
    return pa.array([names[place] if len(names) > place else None for names in lists], pa.string())

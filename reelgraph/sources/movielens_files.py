"""The file layouts of MovieLens, behind one interface.

CSV: latest, latest-small, 20M, 25M, 32M, and Kaggle's 20M with other file names and dates. ``.dat``: 1M and
10M, delimited by ``::``. ``u.*``: 100K, delimited by tabs and bars, with a flag for each genre. Kaggle's "The
Movies Dataset" has MovieLens' ratings and links, but TMDB's movies.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from reelgraph.core.schemas.tables import RATINGS
from reelgraph.runtime.errors import InputError
from reelgraph.sources.delimited import (
    DelimitedFile,
    detect_encoding,
    iterate_rows,
    line_of_row,
    read_header,
    read_table,
)
from reelgraph.sources.missing_values import blank_to_null
from reelgraph.sources.timestamps import is_date_text
from reelgraph.sources.titles import join_nonnull

RATING_TYPES = {name: RATINGS.file_schema.field(name).type for name in RATINGS.file_schema.names}

MOVIE_TYPES = {"movieId": pa.int64(), "title": pa.string(), "genres": pa.string()}

TAG_NAMES = ("userId", "movieId", "tag", "timestamp")
TAG_TYPES = {"movieId": pa.int64(), "tag": pa.string()}

LINK_TYPES = {"movieId": pa.int64(), "imdbId": pa.string(), "tmdbId": pa.string()}

LINKED_ID = r"^(?:tt)?(?P<id>\d{1,18})(?:\.0)?$"
"""An id as GroupLens, IMDb (tt0114709) and pandas (862.0) write it."""

ITEM_NAMES = ("movieId", "title", "released", "released_on_video", "url")

GENRES_100K = (
    "unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary", "Drama",
    "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War", "Western",
)  # fmt: skip
"""Genres of the flags in u.item, for folders without u.genre."""


@dataclass(frozen=True)
class MovieLensFiles:
    """The files of a MovieLens folder."""

    ratings: DelimitedFile
    movies: DelimitedFile
    genre_flags: tuple[str, ...] = ()
    """100K's columns of 0 and 1, one per genre; other layouts list the genres in one column."""
    tags: DelimitedFile | None = None
    links: DelimitedFile | None = None
    has_tmdb: bool = False
    """Whether the folder has TMDB's movies in place of MovieLens', whose ids are those of the links."""

    def read_links(self) -> pa.Table | None:
        """Read movieId, imdbId, tmdbId (int64, null if unknown); None without such a file.

        Raises:
            InputError: the file is malformed, or a cell is no id.
        """
        return None if self.links is None else read_links(self.links)

    def read_movies(self) -> pa.Table:
        """Read movieId, title, genres (``A|B``, blank if none) and released (text, blank if unknown).

        Raises:
            InputError: the file is missing or malformed.
        """
        if self.has_tmdb:
            movie_ids = read_table(self.movies)["movieId"]
            blank = pa.repeat(pa.scalar(""), len(movie_ids))
            return pa.table({"movieId": movie_ids, "title": blank, "genres": blank, "released": blank})
        table = read_table(self.movies)
        if not self.genre_flags:
            # People join the names by commas when they write the file again. No name has one.
            genres = pc.replace_substring_regex(table["genres"], r"\s*,\s*", "|")
            released = pa.repeat(pa.scalar(""), len(table))
            table = table.drop_columns("genres").append_column("genres", genres)
            return table.append_column("released", released)
        null = pa.scalar(None, pa.string())
        names = [pc.if_else(pc.equal(table[genre], 1), genre, null) for genre in self.genre_flags]
        genres = pc.coalesce(join_nonnull(names, "|"), "")
        return table.select(["movieId", "title", "released"]).append_column("genres", genres)


def read_links(file: DelimitedFile) -> pa.Table:
    """Read movieId, imdbId, tmdbId (int64, null if unknown).

    Raises:
        InputError: the file is missing or malformed, or a cell is no id.
    """
    table = read_table(file)
    columns = {name: _parse_linked_ids(file, name, table[name]) for name in ("imdbId", "tmdbId")}
    return pa.table({"movieId": table["movieId"], **columns})


def find_movielens_files(folder: Path) -> MovieLensFiles:
    """Detect the folder's layout and return its files.

    Raises:
        InputError: there is no such folder, or it has no layout's files.
    """
    file_names = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    for names, open_files in LAYOUTS.items():
        if file_names.issuperset(names):
            return open_files(folder)
    expected = ", or ".join(" and ".join(names) for names in LAYOUTS)
    raise InputError(str(folder), f"a folder of MovieLens with {expected}", _list_files(folder, file_names),
                     "Set data.movielens to the folder that an edition's zip unpacks to.")  # fmt: skip


def _list_files(folder: Path, file_names: set[str]) -> str:
    if not folder.is_dir():
        return "no such folder"
    names = sorted(file_names)
    return ", ".join(names[:8]) + (", …" if len(names) > 8 else "") if names else "an empty folder"


def _csv_files(folder: Path, ratings: str, movies: str, tags: str, links: str) -> MovieLensFiles:
    return MovieLensFiles(
        ratings=csv_ratings(folder / ratings),
        movies=DelimitedFile(folder / movies, MOVIE_TYPES),
        tags=DelimitedFile(folder / tags, TAG_TYPES) if (folder / tags).is_file() else None,
        links=DelimitedFile(folder / links, LINK_TYPES) if (folder / links).is_file() else None,
    )


def csv_ratings(path: Path) -> DelimitedFile:
    """Return a CSV file of ratings, whose timestamps are text if the first is a date, as in Kaggle's 20M."""
    file = DelimitedFile(path, RATING_TYPES)
    header = read_header(file)
    for _, cells in islice(iterate_rows(file), 1, 2):
        first_row = dict(zip(header, cells, strict=False))
        if is_date_text(first_row.get("timestamp", "")):
            return replace(file, columns=RATING_TYPES | {"timestamp": pa.string()})
    return file


def _tmdb_files(folder: Path, ratings: str, links: str) -> MovieLensFiles:
    """Return the files of "The Movies Dataset"; the links are also the list of its movies."""
    link_file = DelimitedFile(folder / links, LINK_TYPES)
    return MovieLensFiles(csv_ratings(folder / ratings), link_file, links=link_file, has_tmdb=True)


def _dat_files(folder: Path) -> MovieLensFiles:
    movies = folder / "movies.dat"
    tags = folder / "tags.dat"
    tag_file = DelimitedFile(tags, TAG_TYPES, "::", TAG_NAMES, detect_encoding(tags))
    return MovieLensFiles(
        ratings=DelimitedFile(folder / "ratings.dat", RATING_TYPES, "::", tuple(RATING_TYPES)),
        movies=DelimitedFile(movies, MOVIE_TYPES, "::", tuple(MOVIE_TYPES), detect_encoding(movies)),
        tags=tag_file if tags.is_file() else None,
    )


def _u_files(folder: Path) -> MovieLensFiles:
    genres = _genres(folder / "u.genre")
    items = folder / "u.item"
    types = {"movieId": pa.int64(), "title": pa.string(), "released": pa.string()}
    return MovieLensFiles(
        ratings=DelimitedFile(folder / "u.data", RATING_TYPES, "\t", tuple(RATING_TYPES)),
        movies=DelimitedFile(items, types | dict.fromkeys(genres, pa.int64()), "|", (*ITEM_NAMES, *genres),
                        detect_encoding(items)),
        genre_flags=genres,
    )  # fmt: skip


LAYOUTS: dict[tuple[str, ...], Callable[[Path], MovieLensFiles]] = {
    ("ratings.csv", "movies.csv"): lambda folder: _csv_files(
        folder, "ratings.csv", "movies.csv", "tags.csv", "links.csv"
    ),
    ("rating.csv", "movie.csv"): lambda folder: _csv_files(
        folder, "rating.csv", "movie.csv", "tag.csv", "link.csv"
    ),
    ("ratings.dat", "movies.dat"): _dat_files,
    ("u.data", "u.item"): _u_files,
    ("ratings.csv", "links.csv", "movies_metadata.csv"): lambda folder: _tmdb_files(
        folder, "ratings.csv", "links.csv"
    ),
    ("ratings_small.csv", "links_small.csv", "movies_metadata.csv"): lambda folder: _tmdb_files(
        folder, "ratings_small.csv", "links_small.csv"
    ),
}
"""The files that identify a layout → what opens its files."""


def _parse_linked_ids(file: DelimitedFile, name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    texts = pc.utf8_trim_whitespace(blank_to_null(column))
    ids = pc.struct_field(pc.extract_regex(texts, LINKED_ID), "id")
    row = pc.index(pc.and_(pc.is_valid(texts), pc.is_null(ids)), True).as_py()
    if row >= 0:
        raise InputError(f"{file.path}: {line_of_row(file, row)}, column {name}",
                         "an id such as 862, 862.0 or tt0114709", repr(column[row].as_py()),
                         "Correct the cell.")  # fmt: skip
    return pc.cast(ids, pa.int64())


def _genres(path: Path) -> tuple[str, ...]:
    if not path.is_file():
        return GENRES_100K
    file = DelimitedFile(path, {"genre": pa.string(), "flag": pa.int64()}, "|", ("genre", "flag"))
    return tuple(read_table(file).sort_by("flag")["genre"].to_pylist())

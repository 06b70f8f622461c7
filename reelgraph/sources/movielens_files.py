"""The three file layouts of MovieLens, behind one interface.

CSV: latest, latest-small, 20M, 25M, 32M. ``.dat``: 1M and 10M, delimited by ``::``. ``u.*``: 100K,
delimited by tabs and bars, with a flag for each genre.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from reelgraph.core.schemas.tables import RATINGS
from reelgraph.runtime.errors import InputError
from reelgraph.sources.delimited import DelimitedFile, detect_encoding, read_table
from reelgraph.sources.titles import join_nonnull

RATING_TYPES = {name: RATINGS.file_schema.field(name).type for name in RATINGS.file_schema.names}

MOVIE_TYPES = {"movieId": pa.int64(), "title": pa.string(), "genres": pa.string()}

TAG_NAMES = ("userId", "movieId", "tag", "timestamp")
TAG_TYPES = {"movieId": pa.int64(), "tag": pa.string()}

LINK_TYPES = {"movieId": pa.int64(), "imdbId": pa.int64(), "tmdbId": pa.int64()}

ITEM_NAMES = ("movieId", "title", "released", "released_on_video", "url")

GENRES_100K = (
    "unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary", "Drama",
    "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War", "Western",
)  # fmt: skip
"""Genres of the flags in u.item, for folders without u.genre."""

LAYOUTS = {
    "csv": ("ratings.csv", "movies.csv"),
    "dat": ("ratings.dat", "movies.dat"),
    "u": ("u.data", "u.item"),
}
"""Layout → the files that identify it."""


@dataclass(frozen=True)
class MovieLensFiles:
    """The files of a MovieLens folder."""

    ratings: DelimitedFile
    movies: DelimitedFile
    genre_flags: tuple[str, ...] = ()
    """100K's columns of 0 and 1, one per genre; other layouts list the genres in one column."""
    tags: DelimitedFile | None = None
    links: DelimitedFile | None = None

    def read_movies(self) -> pa.Table:
        """Read movieId, title, genres (``A|B``, blank if none) and released (text, blank if unknown).

        Raises:
            InputError: the file is missing or malformed.
        """
        table = read_table(self.movies)
        if not self.genre_flags:
            released = pa.repeat(pa.scalar(""), len(table))
            return table.append_column("released", released)
        null = pa.scalar(None, pa.string())
        names = [pc.if_else(pc.equal(table[genre], 1), genre, null) for genre in self.genre_flags]
        genres = pc.coalesce(join_nonnull(names, "|"), "")
        return table.select(["movieId", "title", "released"]).append_column("genres", genres)


def find_movielens_files(folder: Path) -> MovieLensFiles:
    """Detect the folder's layout and return its files.

    Raises:
        InputError: there is no such folder, or it has no layout's files.
    """
    file_names = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    for layout, names in LAYOUTS.items():
        if file_names.issuperset(names):
            return {"csv": _csv, "dat": _dat, "u": _u}[layout](folder)
    expected = ", or ".join(" and ".join(names) for names in LAYOUTS.values())
    raise InputError(str(folder), f"a folder of GroupLens with {expected}", _list_files(folder, file_names),
                     "Set data.movielens to the folder that an edition's zip unpacks to.")  # fmt: skip


def _list_files(folder: Path, file_names: set[str]) -> str:
    if not folder.is_dir():
        return "no such folder"
    names = sorted(file_names)
    return ", ".join(names[:8]) + (", …" if len(names) > 8 else "") if names else "an empty folder"


def _csv(folder: Path) -> MovieLensFiles:
    tags = folder / "tags.csv"
    links = folder / "links.csv"
    return MovieLensFiles(
        ratings=DelimitedFile(folder / "ratings.csv", RATING_TYPES),
        movies=DelimitedFile(folder / "movies.csv", MOVIE_TYPES),
        tags=DelimitedFile(tags, TAG_TYPES) if tags.is_file() else None,
        links=DelimitedFile(links, LINK_TYPES) if links.is_file() else None,
    )


def _dat(folder: Path) -> MovieLensFiles:
    movies = folder / "movies.dat"
    tags = folder / "tags.dat"
    tag_file = DelimitedFile(tags, TAG_TYPES, "::", TAG_NAMES, detect_encoding(tags))
    return MovieLensFiles(
        ratings=DelimitedFile(folder / "ratings.dat", RATING_TYPES, "::", tuple(RATING_TYPES)),
        movies=DelimitedFile(movies, MOVIE_TYPES, "::", tuple(MOVIE_TYPES), detect_encoding(movies)),
        tags=tag_file if tags.is_file() else None,
    )


def _u(folder: Path) -> MovieLensFiles:
    genres = _genres(folder / "u.genre")
    items = folder / "u.item"
    types = {"movieId": pa.int64(), "title": pa.string(), "released": pa.string()}
    return MovieLensFiles(
        ratings=DelimitedFile(folder / "u.data", RATING_TYPES, "\t", tuple(RATING_TYPES)),
        movies=DelimitedFile(items, types | dict.fromkeys(genres, pa.int64()), "|", (*ITEM_NAMES, *genres),
                        detect_encoding(items)),
        genre_flags=genres,
    )  # fmt: skip


def _genres(path: Path) -> tuple[str, ...]:
    if not path.is_file():
        return GENRES_100K
    file = DelimitedFile(path, {"genre": pa.string(), "flag": pa.int64()}, "|", ("genre", "flag"))
    return tuple(read_table(file).sort_by("flag")["genre"].to_pylist())

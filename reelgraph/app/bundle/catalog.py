"""The movies of a bundle: titles, years, genres, entities and numbers of ratings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Float64, Int64

from reelgraph.core.schemas.columns import ENTITY_COLUMNS, GENRE_COLUMNS

PEOPLE = ("actor", "director", "writer")
"""Entity types that are people."""
GENRE_ALIASES = {"sciencefiction": "scifi", "children": "family", "childrens": "family", "noir": "filmnoir"}
"""Other names of genres, normalized, by which MovieLens and TMDB call the same one."""


@dataclass(frozen=True)
class MovieResult:
    """What every result says of its movie."""

    movie_id: int
    title: str
    year: int | None
    source_movie_id: str | None = field(default=None, kw_only=True)
    """The id in the data source if its ids are text."""

    @property
    def label(self) -> str:
        """Title and year, such as ``Heat (1995)``."""
        return format_title(self.title, self.year)


@dataclass(frozen=True)
class MovieCatalog:
    """All movies of a bundle, in row order."""

    table: pa.Table
    """With the columns of ``reelgraph.app.bundle.format.MOVIES_SCHEMA``."""

    def __len__(self) -> int:
        return self.table.num_rows

    @cached_property
    def movie_ids(self) -> Int64[np.ndarray, " movies"]:
        """The movie ids of the data source; the ranks of ``source_ids`` where these are text."""
        return self.table["movieId"].to_numpy()

    @cached_property
    def source_ids(self) -> list[str | None]:
        """The movie ids of the data source where these are text; None where ``movie_ids`` has them."""
        return self.table["source_movie_id"].to_pylist()

    @cached_property
    def titles(self) -> list[str]:
        """The titles in the source's language; the original title where there is none."""
        columns = (self.table[name].to_pylist() for name in ("title", "original_title", "movieId"))
        return [
            " ".join((title or original or "").split()) or f"Unknown ({movie})"
            for title, original, movie in zip(*columns, strict=True)
        ]

    @cached_property
    def years(self) -> list[int | None]:
        """The release years."""
        return self.table["release_year"].to_pylist()

    @cached_property
    def rating_counts(self) -> Int64[np.ndarray, " movies"]:
        """The number of training ratings of each movie."""
        return self.table["ratings"].to_numpy()

    @cached_property
    def genre_lists(self) -> list[tuple[str, ...]]:
        """The genres of each movie, the first one first; a genre has one name in the whole catalogue."""
        names: dict[str, str] = {}
        lists = []
        columns = (self.table[name].to_pylist() for name in (*GENRE_COLUMNS, "other_genres"))
        for *numbered, others in zip(*columns, strict=True):
            genres = [name for name in (*numbered, *others) if name]
            lists.append(tuple(dict.fromkeys(names.setdefault(genre_key(name), name) for name in genres)))
        return lists

    @cached_property
    def all_genres(self) -> list[str]:
        """The names of all genres, sorted."""
        return sorted({name for genres in self.genre_lists for name in genres})

    @cached_property
    def languages(self) -> list[str | None]:
        """The first spoken language of each movie."""
        return self.table["spoken_language_1"].to_pylist()

    @cached_property
    def countries(self) -> list[str | None]:
        """The first production country of each movie."""
        return self.table["produced_in_country_1"].to_pylist()

    @cached_property
    def _entity_columns(self) -> list[list[str | None]]:
        return [self.table[column].to_pylist() for columns in ENTITY_COLUMNS.values() for column in columns]

    @cached_property
    def _people_columns(self) -> list[list[str | None]]:
        columns = (name for kind in PEOPLE for name in ENTITY_COLUMNS[kind])
        return [self.table[column].to_pylist() for column in columns]

    def all_names(self) -> tuple[list[int], list[str]]:
        """Return rows and names of all movies: titles, original titles and alternative titles."""
        alternatives = self.table["other_titles"].combine_chunks()
        all_rows = np.arange(len(self))
        rows = np.concatenate([all_rows, all_rows, pc.list_parent_indices(alternatives).to_numpy()])
        columns = (self.table["title"], self.table["original_title"], pc.list_flatten(alternatives))
        return rows.tolist(), [name or "" for column in columns for name in column.to_pylist()]

    def label(self, row: int) -> str:
        """Return title and year, such as ``Heat (1995)``."""
        return format_title(self.titles[row], self.years[row])

    def label_with_id(self, row: int) -> str:
        """Return title, year and movie id, such as ``Heat (1995) [movieId 6]``, which ``resolve`` accepts."""
        return f"{self.label(row)} [movieId {self.movie_ids[row]}]"

    def identify(self, row: int) -> dict[str, Any]:
        """Return the fields of a ``MovieResult``."""
        return {
            "movie_id": int(self.movie_ids[row]),
            "title": self.titles[row],
            "year": self.years[row],
            "source_movie_id": self.source_ids[row],
        }

    def people(self, row: int) -> list[str]:
        """Return the names of a movie's actors, director and writer, without duplicates."""
        return _unique_names(column[row] for column in self._people_columns)

    def entities(self, row: int) -> list[str]:
        """Return the names of a movie's people, genre, company, country and language, without duplicates."""
        return _unique_names(column[row] for column in self._entity_columns)

    def shared_entities(self, first: int, second: int) -> list[str]:
        """Return the names of the entities that two movies have in common, people first."""
        of_second = set(self.entities(second))
        return [name for name in self.entities(first) if name in of_second]

    def find_row(self, movie_id: int) -> int | None:
        """Return the row of a movie id; None if the id is unknown."""
        return self._row_by_id.get(int(movie_id))

    @cached_property
    def _row_by_id(self) -> dict[int, int]:
        return {movie_id: row for row, movie_id in enumerate(self.movie_ids.tolist())}

    @cached_property
    def year_numbers(self) -> Float64[np.ndarray, " movies"]:
        """The release years; NaN where unknown."""
        return self._numbers("release_year")

    @cached_property
    def runtimes(self) -> Float64[np.ndarray, " movies"]:
        """The runtimes in minutes; NaN where unknown."""
        return self._numbers("runtime_minutes")

    def _numbers(self, column: str) -> Float64[np.ndarray, " movies"]:
        return pc.cast(self.table[column], pa.float64()).to_numpy(zero_copy_only=False)


def _unique_names(cells: Iterable[str | None]) -> list[str]:
    return list(dict.fromkeys(" ".join(cell.split()) for cell in cells if cell))


def genre_key(name: str) -> str:
    """Return a genre's name in small letters without punctuation; names of one genre have the same key."""
    key = "".join(character for character in name.casefold() if character.isalnum())
    return GENRE_ALIASES.get(key, key)


def format_title(title: str, year: int | None) -> str:
    """Return title and year, such as ``Heat (1995)``; the title alone if the year is unknown."""
    return title if year is None else f"{title} ({year})"

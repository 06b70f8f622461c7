"""The movies of a bundle: titles, years, genres, entities and numbers of ratings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Bool, Float64, Int64

from reelgraph.core.schemas.columns import ENTITY_COLUMNS

POPULAR_QUANTILE = 0.9
"""A movie is popular if its number of ratings is above this quantile."""


@dataclass(frozen=True)
class MovieCatalog:
    """All movies of a bundle, in row order."""

    table: pa.Table
    """With the columns of ``reelgraph.app.bundle.format.MOVIES_SCHEMA``."""

    def __len__(self) -> int:
        return self.table.num_rows

    @cached_property
    def movie_ids(self) -> Int64[np.ndarray, " movies"]:
        """The movie ids of the data source."""
        return self.table["movieId"].to_numpy()

    @cached_property
    def titles(self) -> list[str]:
        """The titles in the source's language; the original title where there is none."""
        columns = (self.table[name].to_pylist() for name in ("title", "original_title", "movieId"))
        return [
            title or original or f"Unknown ({movie})" for title, original, movie in zip(*columns, strict=True)
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
    def genres(self) -> list[str | None]:
        """The first genre of each movie."""
        return self.table["genre_1"].to_pylist()

    @cached_property
    def _entity_columns(self) -> list[list[str | None]]:
        return [self.table[column].to_pylist() for columns in ENTITY_COLUMNS.values() for column in columns]

    def label(self, row: int) -> str:
        """Return title and year, such as ``Heat (1995)``."""
        return format_title(self.titles[row], self.years[row])

    def entities(self, row: int) -> list[str]:
        """Return the names of a movie's people, genre, company, country and language, without duplicates."""
        cells = (column[row] for column in self._entity_columns)
        return list(dict.fromkeys(" ".join(cell.split()) for cell in cells if cell))

    def shared_entities(self, first: int, second: int) -> list[str]:
        """Return the names of the entities that two movies have in common, people first."""
        of_second = set(self.entities(second))
        return [name for name in self.entities(first) if name in of_second]

    def find_rows(self, movie_ids: Sequence[int]) -> list[int | None]:
        """Return the row of each movie id; None where the id is unknown."""
        return [self._row_by_id.get(int(movie)) for movie in movie_ids]

    @cached_property
    def _row_by_id(self) -> dict[int, int]:
        return {int(movie): row for row, movie in enumerate(self.movie_ids)}

    def filter_mask(
        self, genre: str | None = None, since: int | None = None, exclude_popular: bool = False
    ) -> Bool[np.ndarray, " movies"]:
        """Return a mask of the movies that pass all filters.

        Args:
            genre: name of a genre, case-insensitive.
            since: earliest release year; excludes movies of unknown year.
            exclude_popular: exclude the 10 % of movies with the most ratings.
        """
        mask = np.ones(len(self), bool)
        if genre is not None:
            is_genre = pc.equal(pc.utf8_lower(self.table["genre_1"]), genre.strip().lower())
            mask &= is_genre.fill_null(False).to_numpy()
        if since is not None:
            mask &= self._year >= since
        if exclude_popular:
            mask &= self.rating_counts <= np.quantile(self.rating_counts, POPULAR_QUANTILE)
        return mask

    @cached_property
    def _year(self) -> Float64[np.ndarray, " movies"]:
        """The release years; NaN where unknown."""
        return pc.cast(self.table["release_year"], pa.float64()).to_numpy(zero_copy_only=False)


def format_title(title: str, year: int | None) -> str:
    """Return title and year, such as ``Heat (1995)``; the title alone if the year is unknown."""
    return title if year is None else f"{title} ({year})"

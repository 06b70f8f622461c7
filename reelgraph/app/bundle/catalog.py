"""The movies of a bundle as people know them: names, years, who made them, how many rated them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Bool, Float64, Int64

from reelgraph.schemas.columns import ENTITY_COLUMNS

POPULAR_QUANTILE = 0.9
"""Quantile of the number of ratings above which a movie counts as seen by many."""


@dataclass(frozen=True)
class MovieCatalog:
    """All movies in row order; the table has the columns of ``reelgraph.app.bundle.format.MOVIES``."""

    table: pa.Table

    def __len__(self) -> int:
        return self.table.num_rows

    @cached_property
    def movie_ids(self) -> Int64[np.ndarray, " movies"]:
        """Ids as outside."""
        return self.table["movieId"].to_numpy()

    @cached_property
    def titles(self) -> list[str]:
        """What a movie is called: its name in the source's language, such as English, else its own."""
        columns = (self.table[name].to_pylist() for name in ("title", "original_title", "movieId"))
        return [title or own or f"Unknown ({movie})" for title, own, movie in zip(*columns, strict=True)]

    @cached_property
    def years(self) -> list[int | None]:
        """Release years."""
        return self.table["release_year"].to_pylist()

    @cached_property
    def rating_counts(self) -> Int64[np.ndarray, " movies"]:
        """How many people rated each movie."""
        return self.table["ratings"].to_numpy()

    @cached_property
    def genres(self) -> list[str | None]:
        """The first genre of each movie."""
        return self.table["genre_1"].to_pylist()

    @cached_property
    def _entities(self) -> dict[str, list[list[str | None]]]:
        return {
            kind: [self.table[column].to_pylist() for column in columns]
            for kind, columns in ENTITY_COLUMNS.items()
        }

    def label(self, row: int) -> str:
        """Return title and year, such as ``Heat (1995)``."""
        year = self.years[row]
        return f"{self.titles[row]} ({year})" if year is not None else self.titles[row]

    def entities(self, row: int) -> list[str]:
        """Return the names of the people, genre, company, country and language of a movie, each once."""
        cells = (column[row] for columns in self._entities.values() for column in columns)
        return list(dict.fromkeys(" ".join(cell.split()) for cell in cells if cell))

    def shared_entities(self, first: int, second: int) -> list[str]:
        """Return what two movies have in common, people before genres, countries, languages."""
        other = set(self.entities(second))
        return [name for name in self.entities(first) if name in other]

    def find_rows(self, movie_ids: Sequence[int]) -> list[int | None]:
        """Return the row of each id, None where there is no such movie."""
        found = (self._row_of.get(int(movie)) for movie in movie_ids)
        return list(found)

    @cached_property
    def _row_of(self) -> dict[int, int]:
        return {int(movie): row for row, movie in enumerate(self.movie_ids)}

    def filter_mask(
        self, genre: str | None = None, since: int | None = None, exclude_popular: bool = False
    ) -> Bool[np.ndarray, " movies"]:
        """Mark the movies of a genre, of a year or later, that are not among the most rated tenth.

        Args:
            genre: name of a genre, whatever its case.
            since: release year; movies of unknown year are left out.
            exclude_popular: leave out the tenth that most people rated.
        """
        marks = np.ones(len(self), bool)
        if genre is not None:
            same = pc.equal(pc.utf8_lower(self.table["genre_1"]), genre.strip().lower())
            marks &= same.fill_null(False).to_numpy()
        if since is not None:
            marks &= self._year >= since
        if exclude_popular:
            marks &= self.rating_counts <= np.quantile(self.rating_counts, POPULAR_QUANTILE)
        return marks

    @cached_property
    def _year(self) -> Float64[np.ndarray, " movies"]:
        """NaN where unknown."""
        return pc.cast(self.table["release_year"], pa.float64()).to_numpy(zero_copy_only=False)

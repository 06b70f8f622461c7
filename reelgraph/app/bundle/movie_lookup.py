"""Find a movie by what a person gives: a movieId, a title, or words of a title."""

from __future__ import annotations

import re

from reelgraph.app.bundle.catalog import MovieCatalog
from reelgraph.app.bundle.title_matching import TitleIndex
from reelgraph.app.bundle.title_search import MISSPELLED, TitleSearch
from reelgraph.runtime.errors import InputError

MOVIE_ID = re.compile(r"\[?(?P<label>movieId )?(?P<number>\d{1,18})\]?", re.ASCII | re.IGNORECASE)
"""A movieId, with the label that messages give it, or without."""


def find_movie(movie: int | str, catalog: MovieCatalog, index: TitleIndex, search: TitleSearch) -> int:
    """Return the row of a movie.

    A number without a label is a title, such as ``1917``, or words of one; if no title has it, a movieId.

    Args:
        movie: a movieId, or a text.
        catalog: the movies.
        index: of their titles.
        search: of their titles, for texts that the index does not find.

    Raises:
        InputError: the movie is unknown, or the title is ambiguous.
    """
    if isinstance(movie, str):
        match = index.match(movie)
        if match.row is not None:
            return match.row
        movie_id = MOVIE_ID.fullmatch(movie.strip())
        if movie_id is None or (movie_id["label"] is None and _is_in_a_title(movie, search)):
            return search.find(movie, match)
        movie = int(movie_id["number"])
    row = catalog.find_row(movie)
    if row is None:
        remedy = "See the bundle's movies.parquet."
        raise InputError(f"movieId {movie}", "a movie of the bundle", "an unknown id", remedy)
    return row


def _is_in_a_title(text: str, search: TitleSearch) -> bool:
    return any(hit.tier < MISSPELLED for hit in search.search(text, 1))

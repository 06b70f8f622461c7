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

    Args:
        movie: a movieId; or a text, see ``read_movie_id``.
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
        movie_id = read_movie_id(movie, search)
        if movie_id is None:
            return search.find(movie, match)
        movie = movie_id
    row = catalog.find_row(movie)
    if row is None:
        remedy = "See the bundle's movies.parquet."
        raise InputError(f"movieId {movie}", "a movie of the bundle", "an unknown id", remedy)
    return row


def read_movie_id(text: str, search: TitleSearch) -> int | None:
    """Return the movieId that a text is; None if it is a title, or words of one.

    A number without a label is a title, such as ``1917``, or words of one; if no title has it, a movieId.
    """
    movie_id = MOVIE_ID.fullmatch(text.strip())
    if movie_id is None:
        return None
    is_in_a_title = any(hit.tier < MISSPELLED for hit in search.search(text, 1))
    return int(movie_id["number"]) if movie_id["label"] or not is_in_a_title else None

"""Lists of movies without ratings: files of their own, and the watched movies and watchlist of an archive."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from reelgraph.app.rating_imports.archives import WATCHLIST_FILES, is_zip, read_list_members
from reelgraph.app.rating_imports.layouts import LIST_LAYOUTS, ListedMovie
from reelgraph.app.rating_imports.rating_rows import read_rows
from reelgraph.app.rating_imports.ratings_file import MAX_FILE_BYTES, parse_listed_movies, read_content
from reelgraph.runtime.errors import InputError


def read_movie_list(path: Path | str) -> list[ListedMovie]:
    """Read the movies that a CSV or JSON file lists; of a zip archive, those of its watchlist.

    Raises:
        InputError: the file does not exist, is too large or not text, or has no column with titles or ids.
    """
    content = read_content(path)
    if is_zip(content):
        return parse_archive_lists(content, str(path), WATCHLIST_FILES)
    return parse_movie_list(content, str(path))


def parse_movie_list(content: bytes, name: str) -> list[ListedMovie]:
    """Parse the content of a list of movies.

    Args:
        content: the bytes of the file.
        name: name of the file in error messages.

    Raises:
        InputError: the content is not text, or has no column with titles or ids.
    """
    return parse_listed_movies(read_rows(content, name, LIST_LAYOUTS))


def parse_archive_lists(content: bytes, name: str, members: Collection[str]) -> list[ListedMovie]:
    """Return the movies that some files of a site's archive list; files without titles are left out.

    Args:
        content: the archive; any other file lists none.
        name: name of the archive in error messages.
        members: names of the files, such as ``archives.WATCHED_FILES``.

    Raises:
        InputError: the archive can't be read.
    """
    if not is_zip(content):
        return []
    movies: list[ListedMovie] = []
    for member, text in read_list_members(content, name, members, MAX_FILE_BYTES):
        with suppress(InputError):
            movies += parse_movie_list(text, f"{name}: {member}")
    return movies

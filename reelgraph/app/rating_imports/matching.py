"""Matching the rows of a rating export with the bundle's movies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reelgraph.app.bundle.catalog import MovieCatalog
from reelgraph.app.bundle.new_user import UserRating
from reelgraph.app.bundle.title_matching import MatchKind, TitleIndex, TitleMatch
from reelgraph.app.rating_imports.layouts import ListedMovie, ParsedRating, SkippedRow
from reelgraph.app.rating_imports.ratings_file import RatingsFile


@dataclass(frozen=True)
class MatchedRating:
    """A row of the file and the movie it refers to."""

    rating: ParsedRating
    row: int
    """Row of the movie in the bundle."""
    matched_by: MatchKind


@dataclass(frozen=True)
class MatchedRatings:
    """The rows of a rating export, matched with the bundle's movies."""

    file: RatingsFile
    matches: list[MatchedRating]
    """One per movie: the most recent rating."""
    skipped: list[SkippedRow]

    @property
    def history(self) -> list[UserRating]:
        """The matched ratings as a user's history."""
        return [UserRating(match.row, match.rating.stars, match.rating.time) for match in self.matches]

    @property
    def match_counts(self) -> dict[str, int]:
        """Number of matched rows by kind of match."""
        return dict(Counter(match.matched_by for match in self.matches))

    @property
    def skip_counts(self) -> dict[str, int]:
        """Number of skipped rows by reason."""
        return dict(Counter(row.reason.partition(":")[0].partition(" (")[0] for row in self.skipped))


def match_ratings(file: RatingsFile, catalog: MovieCatalog, titles: TitleIndex) -> MatchedRatings:
    """Match each rating with a movie: by its id at IMDb or TMDB, by the bundle's id, or by title and year.

    The bundle's id counts where the row has no title, or one of that movie's titles. A series, special or
    episode is matched by its IMDb id only: its title may be that of a movie, and TMDB numbers series apart.
    """
    matches_by_line = _match_movies(file.ratings, catalog, titles)
    matches: dict[int, MatchedRating] = {}
    skipped = list(file.skipped)
    for rating, (row, kind, match) in zip(file.ratings, matches_by_line, strict=True):
        if row is None:
            skipped.append(_skip(rating, match, catalog))
            continue
        previous = matches.pop(row, None)
        matches[row] = MatchedRating(rating, row, kind)
        if previous is not None:
            older = previous.rating
            if (older.time or 0) > (rating.time or 0):
                older = rating
                matches[row] = previous
            skipped.append(SkippedRow(older.line, older.label, "rated again later", older.stars, older.time))
    return MatchedRatings(file, list(matches.values()), sorted(skipped, key=lambda row: row.line))


def find_listed_movies(movies: Sequence[ListedMovie], catalog: MovieCatalog, titles: TitleIndex) -> set[int]:
    """Return the rows of the movies of a list that are in the bundle; see ``match_ratings``."""
    return {row for row, _, _ in _match_movies(movies, catalog, titles) if row is not None}


def _match_movies(
    movies: Sequence[ListedMovie], catalog: MovieCatalog, titles: TitleIndex
) -> list[tuple[int | None, MatchKind, TitleMatch]]:
    """Return the row of each movie, what identified it, and the result of the search by title."""
    by_title = titles.match_all([(movie.titles, movie.year) for movie in movies])
    rows_by_imdb_id = _rows_by_id(catalog, "imdb_id")
    rows_by_tmdb_id = _rows_by_id(catalog, "tmdb_id")
    rows_by_source_id = _rows_by_id(catalog, "source_movie_id")

    def find_by_id(movie: ListedMovie, title_rows: tuple[int, ...]) -> int | None:
        if movie.imdb_id in rows_by_imdb_id:
            return rows_by_imdb_id[movie.imdb_id]
        if movie.not_a_movie:
            return None
        if movie.tmdb_id in rows_by_tmdb_id:
            return rows_by_tmdb_id[movie.tmdb_id]
        if movie.source_movie_id in rows_by_source_id:
            return rows_by_source_id[movie.source_movie_id]
        row = None if movie.movie_id is None else catalog.find_row(movie.movie_id)
        if row is None or not movie.titles or row in title_rows or catalog.titles[row] == movie.title:
            return row
        return None

    results: list[tuple[int | None, MatchKind, TitleMatch]] = []
    for movie, match in zip(movies, by_title, strict=True):
        row = find_by_id(movie, match.title_rows)
        if row is None and not movie.not_a_movie:
            results.append((match.row, match.matched_by or "id", match))
        else:
            results.append((row, "id", match))
    return results


def _skip(rating: ParsedRating, match: TitleMatch, catalog: MovieCatalog) -> SkippedRow:
    """Return the row with the reason why it fits no movie, or the movies that it fits."""
    reason = rating.not_a_movie or match.reason
    if not rating.titles and not rating.not_a_movie:
        reason = "unknown movieId" if rating.source_movie_id else "no title"
    candidates = () if rating.not_a_movie else match.candidates
    movie_ids = tuple(int(catalog.movie_ids[row]) for row in candidates)
    return SkippedRow(rating.line, rating.label, reason, rating.stars, rating.time, movie_ids)


def _rows_by_id(catalog: MovieCatalog, column: str) -> dict[Any, int]:
    ids = catalog.table[column].to_pylist()
    return {identifier: row for row, identifier in enumerate(ids) if identifier is not None}

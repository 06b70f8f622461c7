"""Title matching that tolerates differences in articles, accents and punctuation, and a year off by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Int64

from reelgraph.app.bundle.catalog import MovieCatalog
from reelgraph.sources.titles import ARTICLES, move_article_to_front, normalize_titles, split_titles

MatchKind = Literal[
    "id", "title and year", "title and year ±1", "title", "title of another year", "most rated of several"
]
"""What identified a movie."""

LEADING_ARTICLE = rf"(?i)^(?:(?:{ARTICLES})\s+|L['’]\s*)(\S)"
ROMAN_NUMERALS = {"ii": "2", "iii": "3", "iv": "4", "vi": "6", "vii": "7", "viii": "8", "ix": "9"}
"""Numbers of sequels; without I, V and X, which are also words."""
MAX_LISTED = 3
MOST_RATED_FACTOR = 10
"""Of several movies that match, one counts if it has this many times as many ratings as any other."""
MAX_YEAR_DIFFERENCE = 3
"""Years that the only movie with a title may differ by. Years of MovieLens and TMDB differ by more for 2 of
3,708 movies. Of 365 movies with the title of an earlier one, 349 are more years apart."""
MIN_MOST_RATED = 10
"""Minimum number of its ratings."""


@dataclass(frozen=True)
class TitleMatch:
    """The result of a title search."""

    row: int | None
    """Row of the movie; None if no movie or several movies match."""
    matched_by: MatchKind | None = None
    reason: str = ""
    """Why there is no match."""
    candidates: tuple[int, ...] = ()
    """Rows of the movies that an ambiguous title matches."""
    title_rows: tuple[int, ...] = ()
    """Rows of all movies with that title, whatever the year."""


class TitleIndex:
    """Index of a catalogue's titles: exact keys, and loose keys without articles and Roman numerals."""

    def __init__(self, catalog: MovieCatalog) -> None:
        self.catalog = catalog
        rows, names = catalog.all_names()
        self.exact = _build_index(rows, _exact_keys(names))
        self.loose = _build_index(rows, _loose_keys(names))

    def match(self, title: str, year: int | None = None) -> TitleMatch:
        """Find a movie by a title such as ``Matrix, The``, ``Heat (1995)`` or ``Postino, Il (Postman, The)``.

        Exact keys take precedence over loose keys, and the year over the years before and after.

        Args:
            title: a title; a year in parentheses at the end is used if ``year`` is None.
            year: release year.
        """
        return self.match_all([((title,), year)])[0]

    def match_all(self, queries: Sequence[tuple[Sequence[str], int | None]]) -> list[TitleMatch]:
        """Find movies by titles and years, all at once, which is much faster; see ``match``.

        Args:
            queries: the titles of one movie, and its release year. Titles after the first are tried in order
                while no movie has the title.
        """
        titles = list(dict.fromkeys(title for query, _ in queries for title in query))
        parts = split_titles(pa.array(titles, pa.string())).to_pylist()
        parts_by_title = dict(zip(titles, parts, strict=True))
        names = {title: _names(part) for title, part in parts_by_title.items()}
        all_names = list(dict.fromkeys(chain.from_iterable(names.values())))
        exact_keys = dict(zip(all_names, _exact_keys(all_names), strict=True))
        loose_keys = dict(zip(all_names, _loose_keys(all_names), strict=True))
        matches = []
        for query, year in queries:
            match = TitleMatch(None, reason="no such title")
            for title in query:
                levels = [
                    _look_up(self.exact, [exact_keys[name] for name in names[title]]),
                    _look_up(self.loose, [loose_keys[name] for name in names[title]]),
                ]
                match = self._match_levels(levels, parts_by_title[title]["year"] if year is None else year)
                if match.title_rows:
                    break
            matches.append(match)
        return matches

    def _match_levels(self, levels: list[list[int]], year: int | None) -> TitleMatch:
        """Match the year among the movies with the title, by exact and by loose keys."""
        if not any(levels):
            return TitleMatch(None, reason="no such title")
        if year is None:
            return self._unique_match(levels, levels, "title")
        accepted_years: tuple[tuple[set[int], MatchKind], ...] = (
            ({year}, "title and year"),
            ({year - 1, year + 1}, "title and year ±1"),
        )
        for years, kind in accepted_years:
            in_years = [[row for row in rows if self.catalog.years[row] in years] for rows in levels]
            if any(in_years):
                return self._unique_match(levels, in_years, kind)
        return self._match_other_years(levels, year)

    def _unique_match(
        self, all_levels: list[list[int]], levels: list[list[int]], kind: MatchKind
    ) -> TitleMatch:
        """Return the movie of the first level that has any; of several, one with by far the most ratings."""
        rows = next(filter(None, levels))
        title_rows = _all_rows(all_levels)
        if len(rows) == 1:
            return TitleMatch(rows[0], kind, title_rows=title_rows)
        most_rated = prefer_most_rated(rows, self.catalog.rating_counts)
        if most_rated is not None:
            return TitleMatch(most_rated, "most rated of several", title_rows=title_rows)
        reason = "ambiguous: " + "; ".join(map(self.catalog.label_with_id, rows[:MAX_LISTED]))
        return TitleMatch(None, reason=reason, candidates=tuple(rows), title_rows=title_rows)

    def _match_other_years(self, levels: list[list[int]], year: int) -> TitleMatch:
        """Match movies of unknown year, or the only one with that title if it is of about that year.

        Otherwise the reason lists the years.
        """
        undated = [[row for row in rows if self.catalog.years[row] is None] for rows in levels]
        if any(undated):
            return self._unique_match(levels, undated, "title")
        title_rows = _all_rows(levels)
        years = sorted({self.catalog.years[row] or 0 for row in title_rows})
        if len(title_rows) == 1 and abs(years[0] - year) <= MAX_YEAR_DIFFERENCE:
            return TitleMatch(title_rows[0], "title of another year", title_rows=title_rows)
        released = ", ".join(map(str, years[:MAX_LISTED]))
        reason = f"year mismatch: released in {released}, not in {year}"
        return TitleMatch(None, reason=reason, title_rows=title_rows)


def prefer_most_rated(rows: Sequence[int], rating_counts: Int64[np.ndarray, " movies"]) -> int | None:
    """Return the only row, or the one with by far the most ratings; None if there is none."""
    if len(rows) < 2:
        return next(iter(rows), None)
    by_ratings = sorted(rows, key=lambda row: -rating_counts[row])
    most, second = (int(rating_counts[row]) for row in by_ratings[:2])
    return by_ratings[0] if most >= max(MIN_MOST_RATED, MOST_RATED_FACTOR * second) else None


def _names(part: dict[str, Any]) -> list[str]:
    """Return the name and the alternative names of a title that ``split_titles`` has split."""
    return [part["name"], *filter(None, part["others"].split("|"))]


def _build_index(rows: list[int], keys: list[str]) -> dict[str, dict[int, None]]:
    """Return the rows of each key, in their order."""
    index: dict[str, dict[int, None]] = {}
    for row, key in zip(rows, keys, strict=True):
        if key:
            index.setdefault(key, {})[row] = None
    return index


def _look_up(index: dict[str, dict[int, None]], keys: list[str]) -> list[int]:
    return list(dict.fromkeys(row for key in keys for row in index.get(key, {})))


def _all_rows(levels: list[list[int]]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(row for rows in levels for row in rows))


def _exact_keys(names: list[str]) -> list[str]:
    return normalize_titles(move_article_to_front(pa.array(names, pa.string()))).to_pylist()


def _loose_keys(names: list[str]) -> list[str]:
    """Return keys without a leading article, with numbers of sequels in digits."""
    titles = move_article_to_front(pa.array(names, pa.string()))
    titles = pc.replace_substring_regex(titles, LEADING_ARTICLE, r"\1")
    for numeral, digit in ROMAN_NUMERALS.items():
        titles = pc.replace_substring_regex(titles, rf"(?i)\b{numeral}\b", digit)
    return normalize_titles(titles).to_pylist()

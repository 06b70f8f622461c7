"""Finding the movie that a title means: articles, accents, punctuation, other titles; the year ± 1."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from reelgraph.app.bundle.catalog import MovieCatalog
from reelgraph.sources.titles import ARTICLES, move_article_to_front, normalize_titles, split_titles

MatchKind = Literal["id", "title and year", "title, another year", "title"]
"""By what a movie was found: its id; title and year; title and the year before or after; title alone."""

LEADING = rf"(?i)^(?:(?:{ARTICLES})\s+|L['’]\s*)(\S)"
ROMAN = {"ii": "2", "iii": "3", "iv": "4", "vi": "6", "vii": "7", "viii": "8", "ix": "9"}
"""Numbers of sequels; I, V and X are words as well."""
NEAR, NEAR_CUTOFF = 3, 0.75


@dataclass(frozen=True)
class TitleMatch:
    """What a title was found to be."""

    row: int | None
    """Row of the movie; None where none was found, or more than one."""
    matched_by: MatchKind | None = None
    reason: str = ""
    """Where none was found: the reason."""


class TitleIndex:
    """The library's titles by what equal ones have in common."""

    def __init__(self, library: MovieCatalog) -> None:
        self.catalog = library
        self.exact: dict[str, list[int]] = {}
        self.loose: dict[str, list[int]] = {}
        row, names = _names(library.table)
        for index, found in ((self.exact, _exact(names)), (self.loose, _loose(names))):
            for each, key in zip(row, found, strict=True):
                if key and each not in index.setdefault(key, []):
                    index[key].append(each)

    def match(self, title: str, year: int | None = None) -> TitleMatch:
        """Find a movie by a title, such as ``Matrix, The``, ``Heat (1995)``, ``Postino, Il (Postman, The)``.

        Args:
            title: a title; a year in parentheses at its end counts where ``year`` is None.
            year: release year, which may be one off.
        """
        told = split_titles(pa.array([title]))
        year = told["year"][0].as_py() if year is None else year
        names = [told["name"][0].as_py(), *filter(None, told["others"][0].as_py().split("|"))]
        levels = [self._rows(self.exact, _exact(names)), self._rows(self.loose, _loose(names))]
        if year is None:
            return self._only(levels, "title")
        levels_of_year: tuple[tuple[set[int], MatchKind], ...] = (
            ({year}, "title and year"), ({year - 1, year + 1}, "title, another year"),
        )  # fmt: skip
        for years, how in levels_of_year:
            near = [[row for row in rows if self.catalog.years[row] in years] for rows in levels]
            if any(near):
                return self._only(near, how)
        return self._undated(levels, year)

    def _only(self, levels: list[list[int]], how: MatchKind) -> TitleMatch:
        """Take the first level that has a movie; more than one there is ambiguous."""
        rows = next(filter(None, levels), [])
        if len(rows) == 1:
            return TitleMatch(rows[0], how)
        if not rows:
            return TitleMatch(None, reason="no such title")
        return TitleMatch(None, reason="ambiguous: " + "; ".join(map(self._told, rows[:NEAR])))

    def _undated(self, levels: list[list[int]], year: int) -> TitleMatch:
        """Look at movies of that title whose year isn't known, or say which years there are."""
        unknown = [[row for row in rows if self.catalog.years[row] is None] for rows in levels]
        if any(unknown):
            return self._only(unknown, "title")
        others = sorted({self.catalog.years[row] or 0 for rows in levels for row in rows})
        if others:
            return TitleMatch(
                None,
                reason=f"another year: that title is of {', '.join(map(str, others[:NEAR]))}, not of {year}",
            )
        return TitleMatch(None, reason="no such title")

    def _told(self, row: int) -> str:
        return f"{self.catalog.label(row)} [movieId {self.catalog.movie_ids[row]}]"

    def _rows(self, index: dict[str, list[int]], found: list[str]) -> list[int]:
        return list(dict.fromkeys(row for key in found for row in index.get(key, [])))

    def suggest(self, title: str) -> list[str]:
        """Return names of movies whose titles look alike."""
        key = _exact(split_titles(pa.array([title]))["name"].to_pylist())[0]
        close = difflib.get_close_matches(key, self.exact, NEAR, NEAR_CUTOFF)
        return [self.catalog.label(self.exact[each][0]) for each in close]


def _names(table: pa.Table) -> tuple[list[int], list[str]]:
    """Return each title of each movie, and the movie's row."""
    rows = np.arange(table.num_rows)
    listed = table["other_titles"].combine_chunks()
    columns = [
        (rows, table["title"]),
        (rows, table["original_title"]),
        (pc.list_parent_indices(listed).to_numpy(), pc.list_flatten(listed)),
    ]
    row = np.concatenate([each for each, _ in columns]).tolist()
    return row, [name or "" for _, names in columns for name in names.to_pylist()]


def _exact(names: list[str]) -> list[str]:
    return normalize_titles(move_article_to_front(pa.array(names, pa.string()))).to_pylist()


def _loose(names: list[str]) -> list[str]:
    """Return keys without a leading article, and with numbers of sequels in digits."""
    bare = pc.replace_substring_regex(move_article_to_front(pa.array(names, pa.string())), LEADING, r"\1")
    for roman, digit in ROMAN.items():
        bare = pc.replace_substring_regex(bare, rf"(?i)\b{roman}\b", digit)
    return normalize_titles(bare).to_pylist()

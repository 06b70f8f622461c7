"""Search for titles as people type them: words in any order, their beginnings, a year, spelling mistakes."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
from rapidfuzz import fuzz, process

from reelgraph.app.bundle.catalog import MovieCatalog
from reelgraph.app.bundle.title_matching import ROMAN_NUMERALS, TitleMatch, prefer_most_rated
from reelgraph.runtime.errors import InputError
from reelgraph.sources.titles import ARTICLES

LEADING_ARTICLE = re.compile(rf"(?:{ARTICLES.lower()}) (?=.)")

MIN_SUBSTRING = 3
"""Fewest characters that are searched within words."""
MIN_SIMILARITY = 70
"""Least similarity of a misspelled title or word, of rapidfuzz's ``ratio``, 0 … 100."""
MAX_SUGGESTIONS = 3
MAX_YEAR_DIFFERENCE_IN_SEARCH = 1
"""Years between a movie and a query that has a part of its title: others are different movies."""
MISSPELLED = 4
"""Tier of hits that have no word of the query."""
MAX_MISSPELLED = 20
"""Most titles, and words for each word, that a misspelled query finds."""
YEAR_WORD = re.compile(r"(1[89]\d\d|2[01]\d\d)")
END = "\U0010ffff"
"""Sorts after every letter."""


@dataclass(frozen=True)
class SearchHit:
    """A movie that fits a query."""

    row: int
    tier: int
    """How well it fits: 0 title, 1 beginning of the title, 2 words, 3 part of a word, 4 misspelled."""


class TitleSearch:
    """Index of all names of the movies: keys without spaces, and words."""

    def __init__(self, catalog: MovieCatalog) -> None:
        self.catalog = catalog
        rows, names = catalog.all_names()
        words_of_names = _words(names)
        pairs = sorted(
            {(_key(words), row, words) for row, words in zip(rows, words_of_names, strict=True) if words}
        )
        self._keys = [key for key, _, _ in pairs]
        self._rows = [row for _, row, _ in pairs]
        postings: dict[str, list[int]] = {}
        for position, (_, _, words) in enumerate(pairs):
            for word in dict.fromkeys(words.split()):
                postings.setdefault(word, []).append(position)
        self._vocabulary = sorted(postings)
        self._postings = postings

    def search(self, query: str, limit: int) -> list[SearchHit]:
        """Return the movies that fit best: by tier, then by number of ratings.

        A year at the end, with or without parentheses, selects the movies of that year if any of them fits.

        Args:
            query: a title, or words of it.
            limit: most movies to return.
        """
        text, year = split_year(query)
        tiers = self._search_text(query)
        if year is not None:
            undated = self._search_text(text)
            of_year = {row: tier for row, tier in undated.items() if self.catalog.years[row] == year}
            tiers = _best_tiers([*tiers.items(), *(of_year or undated).items()])
        counts = self.catalog.rating_counts
        ordered = sorted(tiers.items(), key=lambda item: (item[1], -counts[item[0]], item[0]))
        return [SearchHit(row, tier) for row, tier in ordered[:limit]]

    def find(self, title: str, match: TitleMatch) -> int:
        """Return the row of the movie that fits best, if it is the only one, or by far the most rated.

        Args:
            title: a title that ``TitleIndex`` does not find.
            match: why it does not.

        Raises:
            InputError: several movies fit, or none but with spelling mistakes or of another year.
        """
        hits = [] if match.candidates else self.search(title, MAX_SUGGESTIONS)
        best = [hit.row for hit in hits if hit.tier == hits[0].tier < MISSPELLED]
        row = prefer_most_rated(best, self.catalog.rating_counts)
        if row is not None and self._is_of_year(row, title):
            return row
        labels = [self.catalog.label_with_id(hit.row) for hit in hits]
        remedy = f"Similar titles: {'; '.join(labels)}." if labels else "Give title and year, or the movieId."
        raise InputError(repr(title), "a movie of the bundle", match.reason, remedy)

    def _is_of_year(self, row: int, query: str) -> bool:
        """Return whether the year at the end of a query is about that of the movie, or part of its title."""
        _, year = split_year(query)
        released = self.catalog.years[row]
        if year is None or released is None or abs(released - year) <= MAX_YEAR_DIFFERENCE_IN_SEARCH:
            return True
        return self._search_text(query).get(row, MISSPELLED) < MISSPELLED

    def _search_text(self, text: str) -> dict[int, int]:
        """Return the best tier of each movie that fits."""
        (words,) = _words([text])
        if not words:
            return {}
        key = _key(words)
        first = bisect_left(self._keys, key)
        last = bisect_left(self._keys, key + END)
        positions = {position: int(self._keys[position] != key) for position in range(first, last)}
        for position in self._names_with_words([self._words_from(word) for word in words.split()]):
            positions.setdefault(position, 2)
        if len(key) >= MIN_SUBSTRING:
            for position, other in enumerate(self._keys):
                if key in other:
                    positions.setdefault(position, 3)
        if not positions:
            positions = dict.fromkeys(self._similar_names(key, words), MISSPELLED)
        return _best_tiers((self._rows[position], tier) for position, tier in positions.items())

    def _words_from(self, beginning: str) -> list[str]:
        """Return the words of names that begin in this way."""
        first = bisect_left(self._vocabulary, beginning)
        return self._vocabulary[first : bisect_left(self._vocabulary, beginning + END)]

    def _names_with_words(self, choices: list[list[str]]) -> list[int]:
        """Return the names that have one word of each list."""
        names = [{name for word in words for name in self._postings[word]} for words in choices]
        return sorted(set.intersection(*names))

    def _similar_names(self, key: str, words: str) -> list[int]:
        """Return the names with a similar key, and those that have a similar word for each word."""
        similar = [position for _, _, position in _extract(key, self._keys)]
        choices = [
            self._words_from(word) or [other for other, _, _ in _extract(word, self._vocabulary)]
            for word in words.split()
        ]
        return [*similar, *self._names_with_words(choices)]


def _best_tiers(tiers: Iterable[tuple[int, int]]) -> dict[int, int]:
    """Return the lowest tier of each row."""
    best: dict[int, int] = {}
    for row, tier in tiers:
        best[row] = min(tier, best.get(row, tier))
    return best


def split_year(query: str) -> tuple[str, int | None]:
    """Split a year from the end of a query: ``heat 1995`` and ``Heat (1995)`` are Heat and 1995."""
    words = query.split()
    year = YEAR_WORD.fullmatch(words[-1].strip("()[]")) if len(words) > 1 else None
    return (" ".join(words[:-1]), int(year[1])) if year else (query, None)


def _extract(text: str, choices: list[str]) -> list[tuple[str, float, int]]:
    """Return the choices that are similar to a text: choice, similarity and position."""
    return process.extract(
        text, choices, scorer=fuzz.ratio, limit=MAX_MISSPELLED, score_cutoff=MIN_SIMILARITY
    )


def _key(words: str) -> str:
    """Return words without a leading article and without spaces."""
    article = LEADING_ARTICLE.match(words)
    return words[article.end() if article else 0 :].replace(" ", "")


def _words(names: list[str]) -> list[str]:
    """Return the normalized words of names, separated by spaces; numbers of sequels are in digits."""
    text = pc.replace_substring(pc.utf8_normalize(pa.array(names, pa.string()), "NFKD"), "&", " and ")
    text = pc.replace_substring_regex(pc.utf8_lower(text), r"\p{M}+|['’]", "")
    for numeral, digit in ROMAN_NUMERALS.items():
        text = pc.replace_substring_regex(text, rf"\b{numeral}\b", digit)
    return pc.utf8_trim_whitespace(pc.replace_substring_regex(text, r"[^\p{L}\p{N}]+", " ")).to_pylist()

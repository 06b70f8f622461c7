from __future__ import annotations

import pytest

from reelgraph.app.bundle.title_matching import TitleIndex
from tests.helpers import bundle_samples


@pytest.fixture(scope="module")
def index() -> TitleIndex:
    return TitleIndex(bundle_samples.sample_catalog(30))


@pytest.mark.parametrize(
    ("title", "year", "row", "matched_by"),
    [
        ("Spirited Away", 2001, 0, "title and year"),
        ("千と千尋の神隠し", 2001, 0, "title and year"),
        ("Sen to Chihiro no Kamikakushi", 2001, 0, "title and year"),
        ("Spirited Away", 2002, 0, "title and year ±1"),
        ("Matrix, The", 1999, 1, "title and year"),
        ("matrix", 1999, 1, "title and year"),
        ("THE MATRIX (1999)", None, 1, "title and year"),
        ("The Matrix", None, 1, "title"),
        ("Postino, Il (Postman, The)", 1994, 2, "title and year"),
        ("The Postman", 1994, 2, "title and year"),
        ("Amélie", 2001, 3, "title and year"),
        ("Le Fabuleux Destin d’Amelie Poulain", 2001, 3, "title and year"),
        ("Heat", 1995, 4, "title and year"),
        ("Heat", 1987, 5, "title and year ±1"),
        ("Rocky 2", 1979, 6, "title and year"),
        ("Atalante, L'", 1934, 7, "title and year"),
        ("Atalante", 1934, 7, "title and year"),
        ("Fast and Furious", 2009, 8, "title and year"),
        ("500 Days of Summer", 2009, 9, "title and year"),
        ("Star Wars: Episode IV – A New Hope", 1977, 10, "title and year"),
        ("Star Wars", 1977, 10, "title and year"),
        ("Solaris", 1972, 11, "title and year"),
        ("Undated", 1988, 15, "title"),
    ],
)
def test_match_finds_the_movie(
    index: TitleIndex, title: str, year: int | None, row: int, matched_by: str
) -> None:
    match = index.match(title, year)
    assert (match.row, match.matched_by) == (row, matched_by)


@pytest.mark.parametrize(
    ("title", "year", "reason"),
    [
        ("Heat", None, "ambiguous: Heat (1995) [movieId 104]; Heat (1986) [movieId 105]"),
        ("Same Name", 2010, "ambiguous: Same Name (2010) [movieId 113]; Same Name (2010) [movieId 114]"),
        ("Solaris", 1990, "year mismatch: released in 1972, 2002, not in 1990"),
        ("Matrix Reloaded", 2003, "no such title"),
        ("", None, "no such title"),
        ("!!!", 2000, "no such title"),
    ],
)
def test_match_returns_the_reason_if_no_movie_or_several_match(
    index: TitleIndex, title: str, year: int | None, reason: str
) -> None:
    match = index.match(title, year)
    assert (match.row, match.reason) == (None, reason)


def test_suggest_returns_similar_titles(index: TitleIndex) -> None:
    assert index.suggest("The Matricks") == ["The Matrix (1999)"]
    assert index.suggest("Spirted Awy") == ["Spirited Away (2001)"]
    assert index.suggest("Entirely different") == []

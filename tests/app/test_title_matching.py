from __future__ import annotations

import pytest

from reelgraph.app.bundle.title_matching import TitleIndex
from tests.helpers import bundle_samples


@pytest.fixture(scope="module")
def index() -> TitleIndex:
    return TitleIndex(bundle_samples.sample_library(30))


@pytest.mark.parametrize(
    ("title", "year", "found", "how"),
    [
        ("Spirited Away", 2001, 0, "title and year"),
        ("千と千尋の神隠し", 2001, 0, "title and year"),
        ("Sen to Chihiro no Kamikakushi", 2001, 0, "title and year"),
        ("Spirited Away", 2002, 0, "title, another year"),
        ("Matrix, The", 1999, 1, "title and year"),
        ("matrix", 1999, 1, "title and year"),
        ("THE MATRIX (1999)", None, 1, "title and year"),
        ("The Matrix", None, 1, "title"),
        ("Postino, Il (Postman, The)", 1994, 2, "title and year"),
        ("The Postman", 1994, 2, "title and year"),
        ("Amélie", 2001, 3, "title and year"),
        ("Le Fabuleux Destin d’Amelie Poulain", 2001, 3, "title and year"),
        ("Heat", 1995, 4, "title and year"),
        ("Heat", 1987, 5, "title, another year"),
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
)  # fmt: skip
def test_a_title_is_found(index: TitleIndex, title: str, year: int | None, found: int, how: str) -> None:
    said = index.match(title, year)
    assert (said.row, said.matched_by) == (found, how)


@pytest.mark.parametrize(
    ("title", "year", "why"),
    [
        ("Heat", None, "ambiguous: Heat (1995) [movieId 104]; Heat (1986) [movieId 105]"),
        ("Same Name", 2010, "ambiguous: Same Name (2010) [movieId 113]; Same Name (2010) [movieId 114]"),
        ("Solaris", 1990, "another year: that title is of 1972, 2002, not of 1990"),
        ("Matrix Reloaded", 2003, "no such title"),
        ("", None, "no such title"),
        ("!!!", 2000, "no such title"),
    ],
)
def test_a_title_that_is_none_or_several_says_why(
    index: TitleIndex, title: str, year: int | None, why: str
) -> None:
    said = index.match(title, year)
    assert (said.row, said.reason) == (None, why)


def test_alike_titles_are_offered(index: TitleIndex) -> None:
    assert index.suggest("The Matricks") == ["The Matrix (1999)"]

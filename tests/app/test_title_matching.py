from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reelgraph.app.bundle.catalog import MovieCatalog
from reelgraph.app.bundle.from_pipeline import add_titles
from reelgraph.app.bundle.title_matching import TitleIndex, TitleMatch
from reelgraph.app.bundle.title_search import TitleSearch
from reelgraph.runtime.errors import InputError
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
        ("Star Wars", 1980, 10, "title of another year"),
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
        ("The Matrix", 2003, "year mismatch: released in 1999, not in 2003"),
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


def test_match_prefers_a_movie_with_many_times_as_many_ratings() -> None:
    def match_same_name(first: int, second: int) -> TitleMatch:
        counts = [first if row == 13 else second if row == 14 else 0 for row in range(30)]
        return TitleIndex(bundle_samples.sample_catalog(30, ratings=counts)).match("Same Name", 2010)

    assert match_same_name(50, 2).row == 13
    assert match_same_name(2, 50).matched_by == "most rated of several"
    for first, second in ((50, 6), (9, 0), (0, 0)):
        assert match_same_name(first, second).candidates == (13, 14)


def test_match_all_equals_match(index: TitleIndex) -> None:
    titles = [
        ("Spirited Away", 2001),
        ("Heat", None),
        ("Nonesuch", 2000),
        ("Postino, Il (Postman, The)", 1994),
    ]
    expected = [index.match(title, year) for title, year in titles]
    assert index.match_all([((title,), year) for title, year in titles]) == expected
    assert index.match_all([]) == []


def test_match_all_tries_the_titles_in_order(index: TitleIndex) -> None:
    (by_second, by_first, without) = index.match_all(
        [(("Nonesuch", "Heat"), 1995), (("The Matrix", "Heat"), 1999), ((), 1995)]
    )
    assert (by_second.row, by_first.row, without.row) == (4, 1, None)


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("matrix", [1]),
        ("千と千尋", [0]),
        ("spirted away", [0]),
        ("rocky 2", [6]),
        ("days summer 500", [9]),
        ("new hope wars", [10]),
        ("heat", [5, 4]),
        ("heat 1995", [4]),
        ("heat 1950", [5, 4]),
        ("atalant", [7]),
        ("talante", [7]),
        ("fast furios", [8]),
        ("generated 29", [29]),
        ("", []),
        ("?", []),
        ("entirely different", []),
    ],
)
def test_search_ranks_titles_by_how_well_they_fit(query: str, rows: list[int]) -> None:
    search = TitleSearch(bundle_samples.sample_catalog(30))
    assert [hit.row for hit in search.search(query, 5)][: len(rows) or 5] == rows


@pytest.mark.parametrize(
    ("title", "row"),
    [
        ("matrix 2000", 1),
        ("The Matrix (2003)", None),
        ("matrix 2003", None),
        ("spirited 2019", None),
        ("class 2030", 20),
        ("class 1990", None),
    ],
)
def test_find_refuses_a_movie_of_another_year(title: str, row: int | None) -> None:
    titles = [name for _, name, _, _ in bundle_samples.TITLES]
    catalog = bundle_samples.sample_catalog(21, title=[*titles, "A", "B", "C", "D", "Class of 2030"])
    match = TitleIndex(catalog).match(title)
    if row is not None:
        assert TitleSearch(catalog).find(title, match) == row
        return
    with pytest.raises(InputError, match=r"Similar titles: .*\[movieId \d+\]"):
        TitleSearch(catalog).find(title, match)


REAL_QUERIES = {
    "se7en": "Seven (1995)",
    "la haine": "Hate (1995)",
    "8½": "8 1/2 (1963)",
    "spiderman": "Spider-Man (2002)",
    "kill bill 2": "Kill Bill: Vol. 2 (2004)",
    "heat 1995": "Heat (1995)",
    "千と千尋": "Spirited Away (2001)",
    "lord of the rings fellowship": "The Lord of the Rings: The Fellowship of the Ring (2001)",
    "spidrman": "Spider-Man (2002)",
    "old boy": "Old Boy (2003)",
    "Oldboy (2013)": "Oldboy (2013)",
    "godfather part 2": "The Godfather: Part II (1974)",
    "harry poter": "Harry Potter and the Sorcerer's Stone (2001)",
}


def test_search_finds_famous_movies_of_movielens(real_data: Path) -> None:
    table = pq.read_table(real_data / "ml-latest-small" / "catalog.parquet")
    movie_ids = pq.read_table(real_data / "ml-latest-small" / "ratings.parquet", columns=["movieId"])
    counts = {pair["values"]: pair["counts"] for pair in movie_ids["movieId"].value_counts().to_pylist()}
    ratings = pa.array([counts.get(movie, 0) for movie in table["movieId"].to_pylist()], pa.int64())
    catalog = MovieCatalog(add_titles(table, real_data / "ml-latest-small").append_column("ratings", ratings))
    search = TitleSearch(catalog)
    assert {query: catalog.label(search.search(query, 1)[0].row) for query in REAL_QUERIES} == REAL_QUERIES
    assert {catalog.label(hit.row) for hit in search.search("oldboy", 2)} == {
        "Old Boy (2003)",
        "Oldboy (2013)",
    }

"""Files as Letterboxd, IMDb, Trakt, MovieLens and GroupLens write them, with their quirks."""

from __future__ import annotations

import csv
import io
import json
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reelgraph.app.bundle.title_matching import TitleIndex
from reelgraph.app.rating_imports.layouts import parse_stars, parse_timestamp
from reelgraph.app.rating_imports.ratings_file import (
    MatchedRatings,
    match_ratings,
    parse_ratings_file,
    read_ratings_file,
)
from reelgraph.runtime.errors import InputError
from tests.helpers import bundle_samples

LIBRARY = bundle_samples.sample_library(30)
TITLES = TitleIndex(LIBRARY)

LETTERBOXD = """\
Date,Name,Year,Letterboxd URI,Rating
2024-03-01,Spirited Away,2001,https://boxd.it/28,5
2024-03-02,"(500) Days of Summer",2009,https://boxd.it/29,3.5
2024-03-03,Heat,1995,https://boxd.it/2a,0.5
2024-03-04,Amélie,2001,https://boxd.it/2b,
2024-03-05,Chernobyl,2019,https://boxd.it/2c,5
2024-03-06,Solaris,,https://boxd.it/2d,4
2024-03-07,Heat,1995,https://boxd.it/2a,4.5
"""
IMDB = """\
Const,Your Rating,Date Rated,Title,Original Title,URL,Title Type,IMDb Rating,Runtime (mins),Year,Genres,Num Votes,Release Date,Directors
tt0001000,9,2020-05-01,Another Title,Sen,https://www.imdb.com/title/tt0001000/,Movie,8.6,125,2001,Animation,1,2001-07-20,H
tt9999999,7,2020-05-02,The Matrix,The Matrix,u,movie,8.7,136,1999,Action,1,1999-03-31,W
tt0903747,10,2020-05-03,Breaking Bad,Breaking Bad,u,TV Series,9.5,45,2008,Crime,1,2008-01-20,
tt0903748,10,2020-05-03,Pilot,Pilot,u,tvEpisode,9.5,45,2008,Crime,1,2008-01-20,
tt0903749,10,2020-05-03,Short Run,Short Run,u,tvMiniSeries,9.5,45,2008,Crime,1,2008-01-20,
tt0903750,4,2020-05-03,Tetris,Tetris,u,Video Game,9.5,45,1984,,1,,
tt0001006,11,2020-05-04,Rocky II,Rocky II,u,TV Movie,7.3,119,1979,Drama,1,1979-06-15,S
"""
TRAKT = json.dumps([
    {"rated_at": "2021-01-01T20:15:00.000Z", "rating": 8, "type": "movie",
     "movie": {"title": "Heat", "year": 1995, "ids": {"trakt": 1, "imdb": None, "tmdb": 2004}}},
    {"rated_at": "2021-01-02T20:15:00.000Z", "rating": 3, "type": "show",
     "show": {"title": "Lost", "year": 2004, "ids": {"imdb": "tt0411008"}}},
    {"rated_at": "2021-01-03T20:15:00.000Z", "rating": 7, "type": "movie",
     "movie": {"title": "Undated", "year": None, "ids": {}}},
])  # fmt: skip
MOVIELENS = """\
movie_id,imdb_id,tmdb_id,rating,average_rating,title
7,tt0001001,2001,4.5,4.1,"Matrix, The (1999)"
8,,,2.0,3.0,"Postino, Il (Postman, The) (1994)"
9,,,-1,3.0,Heat (1995)
"""
GROUPLENS = "userId,movieId,rating,timestamp\n3,101,4.0,964982703\n3,5,1.5,964982704\n"


def matched(text: str | bytes) -> MatchedRatings:
    content = text.encode() if isinstance(text, str) else text
    return match_ratings(parse_ratings_file(content, "mine.csv"), LIBRARY, TITLES)


def rows(found: MatchedRatings) -> dict[int, float]:
    return {row: given.stars for given, row, _ in found.matches}


def why(found: MatchedRatings) -> dict[int, str]:
    return {each.line: each.reason for each in found.skipped}


def test_letterboxd() -> None:
    found = matched(LETTERBOXD)
    assert (found.file.site, found.file.scale, found.file.rows) == ("Letterboxd", 5, 7)
    assert rows(found) == {0: 5.0, 9: 3.5, 4: 4.5}
    assert why(found) == {
        4: "rated again later", 5: "no rating", 6: "no such title",
        7: "ambiguous: Solaris (1972) [movieId 111]; Solaris (2002) [movieId 112]",
    }  # fmt: skip
    assert found.skip_counts == {"rated again later": 1, "no rating": 1, "no such title": 1, "ambiguous": 1}
    assert {each.row: each.time for each in found.history}[0] == parse_timestamp("2024-03-01")


def test_imdb_is_halved_and_series_are_no_movies() -> None:
    found = matched(IMDB)
    assert (found.file.site, found.file.scale) == ("IMDb", 10)
    assert rows(found) == {0: 4.5, 1: 3.5}
    assert found.match_counts == {"id": 1, "title and year": 1}
    assert why(found) == {
        4: "a series, not a movie (TV Series)", 5: "a series, not a movie (tvEpisode)",
        6: "a series, not a movie (tvMiniSeries)", 7: "not a movie (Video Game)",
        8: "rating '11' is not on a scale to 10",
    }  # fmt: skip


def test_trakt() -> None:
    found = matched(TRAKT)
    assert (found.file.site, found.file.scale) == ("Trakt", 10)
    assert rows(found) == {4: 4.0, 15: 3.5}
    assert why(found) == {2: "a series, not a movie (show)"}
    assert found.history[0].time == 1609532100


def test_movielens() -> None:
    found = matched(MOVIELENS)
    assert (found.file.site, found.file.scale) == ("MovieLens", 5)
    assert rows(found) == {1: 4.5, 2: 2.0}
    assert why(found) == {4: "rating '-1' is not on a scale to 5"}


def test_grouplens_names_movies_by_id() -> None:
    found = matched(GROUPLENS)
    assert found.file.site == "GroupLens"
    assert rows(found) == {1: 4.0}
    assert why(found) == {3: "no such movieId"}
    assert found.history[0].time == 964982703
    with pytest.raises(InputError, match="one person, got several"):
        parse_ratings_file((GROUPLENS + "4,101,3.0,1\n").encode(), "ratings.csv")


def test_a_scale_to_ten_in_a_file_of_letterboxd_is_told_by_its_ratings() -> None:
    found = matched(
        "Date,Name,Year,Letterboxd URI,Rating\n2024-01-01,Heat,1995,u,8\n2024-01-02,The Matrix,1999,u,5\n"
    )
    assert found.file.scale == 10
    assert rows(found) == {4: 4.0, 1: 2.5}


@pytest.mark.parametrize("encode", [
    lambda text: text.encode("utf-8-sig"), lambda text: text.encode("utf-16"),
    lambda text: text.replace("\n", "\r\n").encode(), lambda text: (text + "\n\n").encode(),
])  # fmt: skip
def test_marks_line_ends_and_encodings_do_not_matter(encode) -> None:
    assert rows(matched(encode(LETTERBOXD))) == rows(matched(LETTERBOXD))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "got nothing"), (b"a,b\n1,2\n", "columns of a site"), (b"PK\x03\x04\x00\x00", "bytes 0"),
        (b"Date,Name\xff\n", "text in UTF-8"), (b"{}", "no list of entries"), (b"[1]", "no list of entries"),
        (b"[{", "Trakt's JSON"), (b'Date,Name,Year,Letterboxd URI,Rating\n"a', "comma-separated"),
    ],
)  # fmt: skip
def test_what_is_no_file_of_ratings_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(InputError, match=said):
        parse_ratings_file(content, "mine.csv")


def test_no_file_and_a_large_one_are_refused(tmp_path) -> None:
    with pytest.raises(InputError, match="no file"):
        read_ratings_file(tmp_path / "none.csv")
    large = tmp_path / "large.csv"
    with large.open("wb") as handle:
        handle.truncate(20_000_001)
    with pytest.raises(InputError, match="at most 20,000,000 bytes"):
        read_ratings_file(large)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    with suppress(InputError):
        assert parse_ratings_file(content, "mine.csv").rows >= 0


cells = st.text(max_size=30)


@example([("", "", "", "²")])
@given(st.lists(st.tuples(cells, cells, cells, cells), max_size=8))
def test_every_row_is_matched_or_said_why_not(values: list[tuple[str, str, str, str]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["Date", "Name", "Year", "Letterboxd URI", "Rating"])
    writer.writerows([date, f"x{name}", year, "u", rating] for date, name, year, rating in values)
    try:
        found = matched(text.getvalue().encode(errors="replace"))
    except InputError:
        assert "\0" in text.getvalue()
        return
    assert found.file.rows == len(values)
    assert len(found.matches) + len(found.skipped) == len(values)


@pytest.mark.parametrize(
    ("text", "scale", "stars"),
    [("4.5", 5, 4.5), ("9", 10, 4.5), ("1", 10, 0.5), ("0", 10, None), ("5,0", 5, 5.0), ("nan", 5, None),
     ("inf", 5, None), ("", 5, None), ("4.3", 5, 4.5), ("0.3", 5, 0.5)],
)  # fmt: skip
def test_half_stars(text: str, scale: int, stars: float | None) -> None:
    assert parse_stars(text, scale) == stars


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("2024-03-09", 1709942400), ("2024-03-09T20:15:00.000Z", 1710015300), ("09/03/2024", 1709942400),
     ("964982703", 964982703), ("0001-01-01T00:00:00+14:00", None), ("9999-12-31T23:59:59-14:00", 253402351199), ("1960-01-01", None), ("soon", None), ("", None)],
)  # fmt: skip
def test_moments(text: str, seconds: int | None) -> None:
    assert parse_timestamp(text) == seconds

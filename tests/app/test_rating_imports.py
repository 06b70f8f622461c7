"""Rating exports as Letterboxd, IMDb, Trakt, MovieLens and GroupLens write them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

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

CATALOG = bundle_samples.sample_catalog(30)
TITLES = TitleIndex(CATALOG)

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


def match_file(text: str | bytes) -> MatchedRatings:
    content = text.encode() if isinstance(text, str) else text
    return match_ratings(parse_ratings_file(content, "ratings.csv"), CATALOG, TITLES)


def stars_by_row(matched: MatchedRatings) -> dict[int, float]:
    return {match.row: match.rating.stars for match in matched.matches}


def reasons_by_line(matched: MatchedRatings) -> dict[int, str]:
    return {row.line: row.reason for row in matched.skipped}


def test_match_ratings_of_letterboxd() -> None:
    matched = match_file(LETTERBOXD)
    assert (matched.file.site, matched.file.scale, matched.file.rows) == ("Letterboxd", 5, 7)
    assert stars_by_row(matched) == {0: 5.0, 9: 3.5, 4: 4.5}
    assert reasons_by_line(matched) == {
        4: "rated again later",
        5: "no rating",
        6: "no such title",
        7: "ambiguous: Solaris (1972) [movieId 111]; Solaris (2002) [movieId 112]",
    }
    assert matched.skip_counts == {
        "rated again later": 1,
        "no rating": 1,
        "no such title": 1,
        "ambiguous": 1,
    }
    assert matched.history[0].time == parse_timestamp("2024-03-01")


def test_match_ratings_keeps_the_most_recent_rating_whatever_the_order_of_rows() -> None:
    header, *lines = LETTERBOXD.splitlines()
    matched = match_file("\n".join([header, *reversed(lines)]) + "\n")
    assert stars_by_row(matched) == {0: 5.0, 9: 3.5, 4: 4.5}
    assert reasons_by_line(matched)[6] == "rated again later"


def test_match_ratings_of_imdb_skips_series_and_games() -> None:
    matched = match_file(IMDB)
    assert (matched.file.site, matched.file.scale) == ("IMDb", 10)
    assert stars_by_row(matched) == {0: 4.5, 1: 3.5}
    assert matched.match_counts == {"id": 1, "title and year": 1}
    assert reasons_by_line(matched) == {
        4: "a series, not a movie (TV Series)",
        5: "a series, not a movie (tvEpisode)",
        6: "a series, not a movie (tvMiniSeries)",
        7: "not a movie (Video Game)",
        8: "rating '11' is not on a scale to 10",
    }


def test_match_ratings_of_trakt() -> None:
    matched = match_file(TRAKT)
    assert (matched.file.site, matched.file.scale) == ("Trakt", 10)
    assert stars_by_row(matched) == {4: 4.0, 15: 3.5}
    assert reasons_by_line(matched) == {2: "a series, not a movie (show)"}
    assert matched.history[0].time == 1609532100


def test_match_ratings_of_movielens() -> None:
    matched = match_file(MOVIELENS)
    assert (matched.file.site, matched.file.scale) == ("MovieLens", 5)
    assert stars_by_row(matched) == {1: 4.5, 2: 2.0}
    assert reasons_by_line(matched) == {4: "rating '-1' is not on a scale to 5"}


def test_match_ratings_of_grouplens_uses_movie_ids() -> None:
    matched = match_file(GROUPLENS)
    assert matched.file.site == "GroupLens"
    assert stars_by_row(matched) == {1: 4.0}
    assert reasons_by_line(matched) == {3: "unknown movieId"}
    assert matched.history[0].time == 964982703


def test_parse_ratings_file_raises_on_several_users() -> None:
    with pytest.raises(InputError, match="one user, got several users"):
        parse_ratings_file((GROUPLENS + "4,101,3.0,1\n").encode(), "ratings.csv")


def test_parse_ratings_file_detects_a_scale_to_10_by_the_ratings() -> None:
    matched = match_file(
        "Date,Name,Year,Letterboxd URI,Rating\n2024-01-01,Heat,1995,u,8\n2024-01-02,The Matrix,1999,u,5\n"
    )
    assert matched.file.scale == 10
    assert stars_by_row(matched) == {4: 4.0, 1: 2.5}


@pytest.mark.parametrize(
    "encode",
    [
        lambda text: text.encode("utf-8-sig"),
        lambda text: text.encode("utf-16"),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: (text + "\n\n").encode(),
    ],
)
def test_parse_ratings_file_accepts_encodings_and_line_ends(encode: Callable[[str], bytes]) -> None:
    assert stars_by_row(match_file(encode(LETTERBOXD))) == stars_by_row(match_file(LETTERBOXD))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "got an empty file"),
        (b"a,b\n1,2\n", "columns of a supported site"),
        (b"PK\x03\x04\x00\x00", "null bytes"),
        (b"Date,Name\xff\n", "text in UTF-8"),
        (b"{}", "not a list of objects"),
        (b"[1]", "not a list of objects"),
        (b"[{", "Trakt's JSON"),
        (b'Date,Name,Year,Letterboxd URI,Rating\n"a', "valid CSV"),
    ],
)
def test_parse_ratings_file_raises_on_other_content(content: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_ratings_file(content, "ratings.csv")


def test_read_ratings_file_raises_on_a_missing_or_large_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no file"):
        read_ratings_file(tmp_path / "none.csv")
    large = tmp_path / "large.csv"
    with large.open("wb") as file:
        file.truncate(20_000_001)
    with pytest.raises(InputError, match="at most 20,000,000 bytes"):
        read_ratings_file(large)


@given(st.binary(max_size=300))
def test_parse_ratings_file_parses_or_raises_on_any_bytes(content: bytes) -> None:
    with suppress(InputError):
        assert parse_ratings_file(content, "ratings.csv").rows >= 0


cells = st.text(max_size=30)


@example([("", "", "", "²")])
@given(st.lists(st.tuples(cells, cells, cells, cells), max_size=8))
def test_match_ratings_matches_or_skips_every_row(rows: list[tuple[str, str, str, str]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["Date", "Name", "Year", "Letterboxd URI", "Rating"])
    writer.writerows([date, f"x{name}", year, "u", rating] for date, name, year, rating in rows)
    try:
        matched = match_file(text.getvalue().encode(errors="replace"))
    except InputError:
        assert "\0" in text.getvalue()
        return
    assert matched.file.rows == len(rows)
    assert len(matched.matches) + len(matched.skipped) == len(rows)


@pytest.mark.parametrize(
    ("text", "scale", "stars"),
    [
        ("4.5", 5, 4.5),
        ("9", 10, 4.5),
        ("1", 10, 0.5),
        ("0", 10, None),
        ("5,0", 5, 5.0),
        ("nan", 5, None),
        ("inf", 5, None),
        ("", 5, None),
        ("4.3", 5, 4.5),
        ("0.3", 5, 0.5),
    ],
)
def test_parse_stars(text: str, scale: int, stars: float | None) -> None:
    assert parse_stars(text, scale) == stars


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2024-03-09", 1709942400),
        ("2024-03-09T20:15:00.000Z", 1710015300),
        ("09/03/2024", 1709942400),
        ("964982703", 964982703),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-14:00", 253402351199),
        ("1960-01-01", None),
        ("soon", None),
        ("", None),
    ],
)
def test_parse_timestamp(text: str, seconds: int | None) -> None:
    assert parse_timestamp(text) == seconds

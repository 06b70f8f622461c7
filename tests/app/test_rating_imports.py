"""Rating exports as Letterboxd, IMDb, Trakt, MovieLens and GroupLens write them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reelgraph.app.bundle.title_matching import TitleIndex
from reelgraph.app.rating_imports.dates import parse_timestamp
from reelgraph.app.rating_imports.layouts import LAYOUTS
from reelgraph.app.rating_imports.matching import MatchedRatings, match_ratings
from reelgraph.app.rating_imports.ratings_file import parse_ratings_file, read_ratings_file
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
        (b"PK\x03\x04\x00\x00", "a zip archive, got a damaged one"),
        (b"Date,Name\x00\n", "null bytes"),
        (b"Date,Name\xff\n", "got Date,Name.*Save it in UTF-8"),
        (b"Titre;Ann\xe9e;Note\n", r"got Titre;Ann\\xe9e;Note.*Save it in UTF-8"),
        (b"title,year,rating,Rating\nHeat,1995,8,4\n", "one column rating, got 2. Remove or rename"),
        (b'{"title": "Heat"}\n[', "invalid JSON in line 2"),
        (b"{}", "got no entries"),
        (b"[1]", "expected Trakt's JSON, a list of ratings, got other JSON"),
        (b'{"movies": [], "rating": 4}', "got no entries"),
        (b"[{", "Trakt's JSON"),
    ],
)
def test_parse_ratings_file_raises_on_other_content(content: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_ratings_file(content, "ratings.csv")


@pytest.mark.parametrize(
    ("cells", "scale", "stars"),
    [
        (("★★★½", "½"), 5, [3.5, 0.5]),
        (("★★★★★★★★☆☆", "9/10"), 10, [4.0, 4.5]),
        (("80 %", "5%"), 100, [4.0, 0.5]),
        (("8/10", "4", "4.5"), 5, [4.0, 4.0, 4.5]),
    ],
)
def test_parse_ratings_file_reads_ratings_with_their_scale(
    cells: Sequence[str], scale: int, stars: list[float]
) -> None:
    rows = "".join(f"Heat,1995,{cell}\n" for cell in cells)
    file = parse_ratings_file(f"title,year,rating\n{rows}".encode(), "ratings.csv")
    assert (file.scale, [rating.stars for rating in file.ratings]) == (scale, stars)


def test_parse_ratings_file_warns_of_years_that_are_not_understood() -> None:
    text = "Title,Release Date,Rating\nHeat,15/12/95,4.5\nSolaris,,4\nRocky II,15/06/1979,3.5\n"
    file = parse_ratings_file(text.encode(), "ratings.csv")
    assert [rating.year for rating in file.ratings] == [None, None, 1979]
    assert "1 years were not understood, such as '15/12/95'. Write years as 1995." in file.warnings


def test_parse_ratings_file_reads_json_lines() -> None:
    lines = '{"title": "Heat", "rating": 9}\n\n{"title": "Rocky II", "rating": 7}\n'
    file = parse_ratings_file(lines.encode(), "ratings.jsonl")
    assert [(rating.title, rating.stars) for rating in file.ratings] == [("Heat", 4.5), ("Rocky II", 3.5)]


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
    content = text.getvalue().encode(errors="replace")
    if "\0" in text.getvalue():
        with pytest.raises(InputError, match="null bytes|UTF-16"):
            match_file(content)
        return
    matched = match_ratings(parse_ratings_file(content, "ratings.csv", 5), CATALOG, TITLES)
    assert matched.file.rows == len(rows)
    assert len(matched.matches) + len(matched.skipped) == len(rows)


LAYOUT_FILES = {
    "IMDb": (
        "Const,Your Rating,Date Added,Title,Title Type,Year\ntt0001004,9,2017-10-20,Heat,movie,1995\n",
        (4, 4.5, "2017-10-20"),
    ),
    "IMDb before 2017": (
        '"position","const","created","modified","description","Title","Title type","You rated","Year"\n'
        '"1","tt0001004","Fri Aug 19 00:00:00 2016","","","Heat","Feature Film","7","1995"\n',
        (4, 3.5, "2016-08-19"),
    ),
    "TMDB": (
        "TMDb ID,IMDb ID,Type,Name,Release Date,Rating,Your Rating,Date Rated\n"
        "2001,,movie,The Matrix,1999-03-31,8.2,10,2023-05-06T10:00:00Z\n",
        (1, 5.0, "2023-05-06T10:00:00"),
    ),
    "Letterboxd": (
        "Date,Name,Year,Letterboxd URI,Rating\n2024-03-01,Amelie,2001,u,3.5\n",
        (3, 3.5, "2024-03-01"),
    ),
    "Letterboxd's import": (
        "Title,Year,Rating,Rating10,WatchedDate\nRocky II,1979,,7,2024-01-05\n",
        (6, 3.5, "2024-01-05"),
    ),
    "Simkl": (
        "SIMKL_ID,Title,Type,Year,Watchlist,LastEpWatched,WatchedDate,Rating,Memo,TVDB,TMDB,IMDB\n"
        "5,Solaris,movie,1972,completed,,2022-01-01 10:00:00,6,,,2011,tt0001011\n",
        (11, 3.0, "2022-01-01T10:00:00"),
    ),
    "Movary": ("title,year,tmdbId,imdbId,userRating\nHeat,1986,2005,tt0001005,2\n", (5, 1.0, None)),
    "Trakt": (
        "rated_at,type,title,year,trakt_rating,trakt_id,imdb_id,tmdb_id,rating\n"
        "2021-01-01T20:15:00Z,movie,Heat,1995,7.9,1,tt0001004,2004,8\n",
        (4, 4.0, "2021-01-01T20:15:00"),
    ),
    "MovieLens": (
        "movie_id,imdb_id,tmdb_id,rating,average_rating,title\n7,1001,2001,4.5,4.1,The Matrix (1999)\n",
        (1, 4.5, None),
    ),
    "GroupLens": ("userId,movieId,rating,timestamp\n3,101,4.0,964982703\n", (1, 4.0, "2000-07-30T18:45:03")),
    "Kinopoisk": (
        "Название;Оригинальное название;Год;Оценка\nФорсаж 4;Fast & Furious;2009;8\n",
        (8, 4.0, None),
    ),
    "Douban": (
        "标题,简介,豆瓣评分,链接,创建时间,我的评分,标签,评论\n"
        "千与千寻 / 千と千尋の神隠し,2001 / 日本,9.4,u,2022-08-22 18:55:53,5,,\n",
        (0, 5.0, "2022-08-22T18:55:53"),
    ),
    "a table": ("TITLE;Year;My Rating;Date\nHeat;1995;4,5;2024-01-01\n", (4, 4.5, "2024-01-01")),
}
"""By site: a file with one row; the movie's row, stars and date."""


@pytest.mark.parametrize("site", LAYOUT_FILES)
def test_match_ratings_of_each_layout(site: str) -> None:
    text, (row, stars, date) = LAYOUT_FILES[site]
    matched = match_file(text)
    (match,) = matched.matches
    assert matched.file.site == site
    assert (match.row, match.rating.stars) == (row, stars)
    assert match.rating.time == (parse_timestamp(date) if date else None)


@pytest.mark.parametrize(
    "text",
    [
        "Movie Name,Rating,Date Watched\nHeat (1995),4.5,9-Mar-24\n",
        "Film Name,Year,Score,Rated On\nHeat,1995,4.5,09 Mar 2024\n",
        "imdb_id,Title,My Rating,Date Seen\nTT0001004,Other,4.5,2024-03-09\n",
    ],
)
def test_match_ratings_of_tables_that_people_write(text: str) -> None:
    (match,) = match_file(text).matches
    assert (match.row, match.rating.stars, match.rating.time) == (4, 4.5, 1709942400)


def test_match_ratings_counts_missing_ratings() -> None:
    cells = ("#N/A", "<NA>", "nan", "-", "")
    matched = match_file(
        "title,rating\nThe Matrix,4.5\n" + "".join(f"Heat (1995),{cell}\n" for cell in cells)
    )
    assert matched.skip_counts == {"no rating": len(cells)}


def test_layout_files_has_every_layout() -> None:
    assert LAYOUT_FILES.keys() == {layout.site for layout in LAYOUTS}


@pytest.mark.parametrize(
    ("text", "site", "row", "stars"),
    [
        (json.dumps({"movies": json.loads(TRAKT)[:1], "shows": json.loads(TRAKT)[1:2]}), "Trakt", 4, 4.0),
        (
            json.dumps({"movies": [{"user_rating": 7, "user_rated_at": "2022-01-01T00:00:00Z",
              "movie": {"title": "Heat", "year": 1995, "ids": {"simkl": 5, "imdb": "tt0001004"}}}], "anime": []}),
            "Simkl", 4, 3.5,
        ),
        (json.dumps([{"title": "Heat", "year": 1995, "rating": 4.5}]), "a table", 4, 4.5),
        (json.dumps({"title": "Heat", "year": 1995, "rating": 4.5, "genres": ["Drama"]}), "a table", 4, 4.5),
        (json.dumps(json.loads(TRAKT)[0]), "Trakt", 4, 4.0),
        (json.dumps([{"rated_at": "2021-01-01T20:15:00Z", "rating": 9, "type": "movie",
           "movie": {"title": "Heat", "year": 1995, "rating": 6.5, "ids": {"trakt": 1}}}]), "Trakt", 4, 4.5),
    ],
)  # fmt: skip
def test_match_ratings_of_json(text: str, site: str, row: int, stars: float) -> None:
    matched = match_file(text)
    assert matched.file.site == site
    assert stars_by_row(matched) == {row: stars}


def test_match_ratings_of_trakt_leaves_the_ids_of_an_episodes_show() -> None:
    entry = {"rated_at": "2021-01-01T20:15:00Z", "rating": 8, "type": "episode",
             "episode": {"season": 1, "number": 1, "title": "Pilot", "ids": {"imdb": "tt7777777"}},
             "show": {"title": "Heat", "year": 1995, "ids": {"imdb": "tt0001004", "tmdb": 2004}}}  # fmt: skip
    matched = match_file(json.dumps([entry]))
    assert not matched.matches
    assert matched.skipped[0].reason == "a series, not a movie (episode)"


def test_match_ratings_matches_a_special_by_its_imdb_id() -> None:
    header = "Const,Your Rating,Date Rated,Title,Title Type,Year\n"
    types = ("TV Special", "TV Mini Series", "tvEpisode", "Video Game", "Miniserie TV")
    for title_type in types:
        matched = match_file(f"{header}tt0001004,10,2024-05-01,Another,{title_type},1995\n")
        assert stars_by_row(matched) == {4: 5.0}, title_type
        matched = match_file(f"{header}tt7777777,10,2024-05-01,Heat,{title_type},1995\n")
        assert stars_by_row(matched) == {}, title_type
        assert title_type in matched.skipped[0].reason


def test_match_ratings_does_not_take_tmdbs_id_of_a_series_for_that_of_a_movie() -> None:
    matched = match_file(
        "TMDb ID,IMDb ID,Type,Name,Release Date,Your Rating\n2004,,tv,Any Series,2004-09-22,8\n"
    )
    assert matched.skip_counts == {"a series, not a movie": 1}


def test_match_ratings_takes_the_movie_id_of_an_ambiguous_title() -> None:
    text = "Date,Name,Year,Letterboxd URI,Rating{}\n2024-03-01,Same Name,2010,u,4{}\n"
    (skipped,) = match_file(text.format("", "")).skipped
    assert (skipped.candidates, skipped.stars) == ((113, 114), 4.0)
    for movie_id in skipped.candidates:
        matched = match_file(text.format(",movieId", f",{movie_id}"))
        assert stars_by_row(matched) == {movie_id - 100: 4.0}
        assert matched.match_counts == {"id": 1}
    # The id of a movie with another title is not that of this row.
    assert match_file(text.format(",movieId", ",104")).skip_counts == {"ambiguous": 1}


def test_match_ratings_reads_an_export_of_the_page_with_and_without_titles() -> None:
    n_movies = 30
    # A movie without a title has the page's name for it, and titles without letters have no key.
    names = {3: None, 5: "?!", 6: "…"}
    titles = [names.get(row, f"Movie {row}") for row in range(n_movies)]
    columns = {"title": titles, "original_title": titles, "other_titles": [[]] * n_movies}
    catalog = bundle_samples.sample_catalog(n_movies, **columns)
    for shown_titles in (catalog.titles, [""] * n_movies):
        rows = [f",{title},,,4,{100 + row}\n" for row, title in enumerate(shown_titles)]
        content = "Date,Name,Year,Letterboxd URI,Rating,movieId\n" + "".join(rows)
        file = parse_ratings_file(content.encode(), "ratings.csv")
        matched = match_ratings(file, catalog, TitleIndex(catalog))
        assert [rating.row for rating in matched.history] == list(range(n_movies))


def test_match_ratings_takes_ids_of_the_source_that_are_text() -> None:
    catalog = bundle_samples.sample_catalog(30, source_movie_id=[f"tt{row:02}" for row in range(30)])
    file = parse_ratings_file(b"title,movieId,rating\n,tt04,4\nHeat,tt07,4.5\n,tt99,3\n", "r.csv")
    matched = match_ratings(file, catalog, TITLES)
    assert stars_by_row(matched) == {4: 4.0, 7: 4.5}
    assert [row.reason for row in matched.skipped] == ["unknown movieId"]


def test_match_ratings_counts_rows_without_an_understood_date() -> None:
    matched = match_file(
        "Date,Name,Year,Letterboxd URI,Rating\n2024-03-01,Heat,1995,u,4\nsoon,The Matrix,1999,u,5\n"
    )
    assert "1 of 2 rows have a date that was understood." in matched.file.notes
    (warning,) = matched.file.warnings
    assert warning.startswith("1 dates were not understood, such as 'soon'.")
    assert [rating.time for rating in matched.history] == [parse_timestamp("2024-03-01"), None]


def test_match_ratings_keeps_the_newest_rating_with_the_month_first() -> None:
    matched = match_file(
        "Date,Name,Year,Letterboxd URI,Rating\n3/14/2024,Heat,1995,u,4.5\n12/1/2023,Heat,1995,u,1\n"
    )
    assert stars_by_row(matched) == {4: 4.5}
    assert reasons_by_line(matched) == {3: "rated again later"}


def test_parse_ratings_file_takes_a_stated_scale() -> None:
    content = b"title,year,rating\nHeat,1995,4\nSolaris,1972,5\n"
    for scale, stars in ((5, [4.0, 5.0]), (10, [2.0, 2.5]), (100, [0.5, 0.5])):
        file = parse_ratings_file(content, "ratings.csv", scale)
        assert [rating.stars for rating in file.ratings] == stars
        assert not file.warnings
    assert parse_ratings_file(content, "ratings.csv").warnings[0].startswith("The scale to 5 was inferred")


def test_parse_ratings_file_takes_a_stated_scale_where_the_ratings_contradict_the_site() -> None:
    content = b"Date,Name,Year,Letterboxd URI,Rating\n,Heat,1995,u,8\n,Solaris,1972,u,5\n"
    file = parse_ratings_file(content, "ratings.csv", 10)
    assert (file.scale, [rating.stars for rating in file.ratings], file.warnings) == (10, [4.0, 2.5], ())


def test_parse_ratings_file_passes_over_an_outlier() -> None:
    rows = ["2024-03-01,Heat,1995,u,5", "2024-03-02,Solaris,1972,u,4.5", "2024-03-03,Amelie,2001,u,9"]
    matched = match_file("Date,Name,Year,Letterboxd URI,Rating\n" + "\n".join(rows) + "\n")
    assert (matched.file.scale, stars_by_row(matched)) == (5, {4: 5.0, 11: 4.5})
    assert reasons_by_line(matched) == {4: "rating '9' is not on a scale to 5"}

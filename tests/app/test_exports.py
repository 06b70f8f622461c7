"""Whole exports: watched movies, watchlists and other lists, several users, comparison and backtest."""

from __future__ import annotations

import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import reelgraph
from reelgraph.app.bundle.model import Bundle
from reelgraph.app.bundle.new_user import UserRating
from reelgraph.app.bundle.taste import backtest, compare_tastes
from reelgraph.app.cli.main import app
from reelgraph.app.rating_imports.movie_lists import parse_archive_lists, parse_movie_list
from reelgraph.runtime.errors import InputError
from tests.app.test_archives import zip_files
from tests.helpers.bundle_samples import write_sample_bundle


def title(row: int) -> str:
    """Return title and year of a generated movie as cells."""
    return f"Generated {row - 16},{1934 + row}"


RATINGS = "Date,Name,Year,Letterboxd URI,Rating\n" + "".join(
    f"20{index}-05-01,{title(index)},u,{index % 9 / 2 + 0.5}\n" for index in range(16, 30)
)


def movie_list(*rows: int) -> str:
    return "Date,Name,Year,Letterboxd URI\n" + "".join(f"2024-01-01,{title(row)},u\n" for row in rows)


LIST = (
    "Letterboxd list export v7\nDate,Name,Tags,URL,Description\n2024-01-01,Best,,u,\n\n"
    f"Position,Name,Year,URL,Description\n1,{title(34)},u,\n2,{title(33)},u,\n"
)
TRAKT_LIST = '[{"movie": {"title": "Heat", "year": 1995, "ids": {"tmdb": 2004}}, "plays": 2}]'


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exports")
    write_sample_bundle(folder)
    files = {
        "ratings.csv": RATINGS,
        "watched.csv": movie_list(35, 36),
        "watchlist.csv": movie_list(36, 37),
        "likes/films.csv": movie_list(38),
        "deleted/watched.csv": movie_list(39),
        "lists/watched.csv": LIST,
    }
    (folder / "me.zip").write_bytes(zip_files(files))
    (folder / "you.csv").write_text(RATINGS.replace(",0.5\n", ",5\n"))
    (folder / "list.csv").write_text(LIST)
    return folder


@pytest.fixture(scope="module")
def bundle(folder: Path) -> Bundle:
    return reelgraph.load(folder / "bundle")


def run(folder: Path, *arguments: str, code: int = 0) -> dict:
    words = [str(folder / word) if word.endswith((".zip", ".csv")) else word for word in arguments]
    result = CliRunner().invoke(app, [*words, "--bundle", str(folder / "bundle"), "--json"])
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


def recommended(folder: Path, *arguments: str) -> set[int]:
    result = run(folder, "recommend", "-n", "40", *arguments)
    return {movie["movie_id"] - 100 for movie in result["recommendations"]}


def test_recommend_leaves_out_watched_movies(folder: Path) -> None:
    rows = recommended(folder, "-r", "me.zip")
    assert {37, 39} <= rows
    assert not rows & ({35, 36, 38} | set(range(16, 30)))


def test_recommend_takes_lists_to_choose_from_and_to_leave_out(folder: Path) -> None:
    assert recommended(folder, "-r", "me.zip", "--from", "watchlist") == {37}
    assert recommended(folder, "-r", "me.zip", "--from", "list.csv") == {33, 34}
    assert not recommended(folder, "-r", "me.zip", "--without", "list.csv") & {33, 34}
    error = run(folder, "recommend", "-r", "you.csv", "--from", "watchlist", code=1)["error"]
    assert (error["where"], error["got"]) == ("--from watchlist", "none")
    error = run(folder, "recommend", "-r", "you.csv", "--from", "you.csv", code=3)
    reason = "Every movie to choose from is already rated or watched, or left out by you."
    assert error["reason_for_none"] == reason


def test_recommend_reads_the_ratings_since_a_year(folder: Path, bundle: Bundle) -> None:
    result = run(folder, "recommend", "-r", "me.zip", "--rated-since", "2025", "-n", "3")
    days = [datetime(2000 + row, 5, 1, tzinfo=UTC).timestamp() for row in range(25, 30)]
    late = [(125 + index, (25 + index) % 9 / 2 + 0.5, int(day)) for index, day in enumerate(days)]
    stars = {movie.movie_id: movie.stars for movie in bundle.recommend(late, top=40)}
    for movie in result["recommendations"]:
        assert movie["stars"] == pytest.approx(stars[movie["movie_id"]], abs=1e-5)
    error = run(folder, "recommend", "-r", "me.zip", "--rated-since", "2100", code=1)["error"]
    assert error["expected"] == "a rating with such a date"


@pytest.mark.parametrize(("rule", "combine"), [("least-misery", np.min), ("mean", np.mean)])
def test_recommend_to_group_combines_the_predictions(folder: Path, rule: str, combine) -> None:
    result = run(folder, "recommend", "-r", "me.zip", "-r", "you.csv", "--group", rule, "-n", "10")
    movies = result["recommendations"]
    assert result["group"] == rule
    bounds = [combine(movie["stars"]) - 0.8 / (movie["ratings"] + 1) ** 0.5 for movie in movies]
    assert bounds == sorted(bounds, reverse=True)
    assert not {movie["movie_id"] - 100 for movie in movies} & {35, 36, 38}


def test_parse_movie_list_reads_the_lists_of_sites() -> None:
    names = [movie.titles[0] for movie in parse_movie_list(LIST.encode(), "list.csv")]
    assert names == ["Generated 18", "Generated 17"]
    (heat,) = parse_movie_list(TRAKT_LIST.encode(), "watched-movies.json")
    assert (heat.titles, heat.year, heat.tmdb_id) == (("Heat",), 1995, 2004)
    (imdb,) = parse_movie_list(b"Position,Const,Title,Year\n1,tt0113277,Heat,1995\n", "WATCHLIST.csv")
    assert imdb.imdb_id == 113277


def test_parse_archive_lists_limits_the_size_of_all_files_together() -> None:
    files = {f"{number}/watched.csv": movie_list(20) + "x" * 9_000_000 for number in range(3)}
    content = zip_files(files, zipfile.ZIP_STORED)
    with pytest.raises(InputError, match="at most"):
        parse_archive_lists(content, "big.zip", ("watched.csv",))


def test_compare_tastes_gives_an_interval(folder: Path, bundle: Bundle) -> None:
    result = run(folder, "compare", "me.zip", "me.zip")["compare"]
    assert result["correlation"] == pytest.approx(1)
    assert (result["common"], result["common_correlation"]) == (14, pytest.approx(1))
    first = [UserRating(row, 0.5 + row % 10 / 2, None) for row in range(10, 30)]
    second = [UserRating(rating.row, 5.5 - rating.stars, None) for rating in first]
    likeness = compare_tastes(bundle, first, second)
    assert likeness.low <= likeness.correlation <= likeness.high < 1
    assert likeness.common_correlation == pytest.approx(-1)
    with pytest.raises(InputError, match="at least 10"):
        compare_tastes(bundle, first, second[:5])


def test_backtest_predicts_each_rating_from_the_earlier_ones(folder: Path, bundle: Bundle) -> None:
    ratings = [UserRating(row, 0.5 + row % 10 / 2, 1000 * row) for row in range(10, 30)]
    result = backtest(bundle, ratings[::-1])
    histories = [ratings[: 10 + 2 * fold] for fold in range(5)]
    errors = [
        bundle.score(history, [rating.row]).scores.prediction.stars[0] - rating.stars
        for history in histories
        for rating in ratings[len(history) : len(history) + 2]
    ]
    assert result.targets == 10
    assert result.rmse == pytest.approx(np.sqrt(np.mean(np.square(errors))), abs=1e-4)
    assert result.rmse_low <= result.rmse <= result.rmse_high
    assert result.coverage is not None
    assert run(folder, "backtest", "me.zip")["backtest"]["targets"] == 7
    with pytest.raises(InputError, match="with a date"):
        backtest(bundle, [UserRating(rating.row, rating.stars) for rating in ratings])

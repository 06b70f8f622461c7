"""A recommendation names the movies of the history whose audience also watches it, if the ranker orders."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import reelgraph
from reelgraph.app.bundle.model import Bundle
from reelgraph.app.bundle.reasons import MIN_LOG_ODDS, select_watched
from reelgraph.app.server.handlers import recommend
from tests.app.test_cli import run, run_json
from tests.helpers.bundle_samples import sample_catalog, write_planted_bundle, write_sample_bundle

FIRST_ID = 100
HALF = 20
"""Users watch neighbouring movies of the first or of the second half."""
HISTORY = [(FIRST_ID + row, 4.0) for row in (5, 6, 28, 29)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("watched")
    write_planted_bundle(folder)
    rows = "".join(f"{movie},{stars}\n" for movie, stars in HISTORY)
    (folder / "ratings.csv").write_text(f"movieId,rating\n{rows}")
    return folder


@pytest.fixture(scope="module")
def bundle(folder: Path) -> Bundle:
    return reelgraph.load(folder / "bundle")


def test_watched_names_the_planted_companions(bundle: Bundle) -> None:
    watched = {movie.movie_id - FIRST_ID: movie.watched for movie in bundle.recommend(HISTORY, top=10)}
    companions = {row: {movie.movie_id - FIRST_ID for movie in movies} for row, movies in watched.items()}
    next_movies = {row: {5, 6} if row < HALF else {28, 29} for row in (7, 8, 9, 30, 31)}
    assert companions | next_movies == companions
    assert [movie.title for movie in watched[7]] == ["Rocky II (1979)", "Heat (1986)"]


def test_watched_is_the_same_on_the_command_line_in_json_and_on_the_page(
    bundle: Bundle, folder: Path
) -> None:
    expected = bundle.recommend(HISTORY, top=10)
    command = ("recommend", "--ratings", "ratings.csv", "--top", "10")
    printed = run(folder, *command)
    lines = [
        f"people who watched {' and '.join(movie.title for movie in prediction.watched)} also watch it"
        for prediction in expected
        if prediction.watched
    ]
    assert [line.strip() for line in printed.splitlines() if "also watch" in line] == lines
    body = json.dumps({"ratings": [[*rating, None] for rating in HISTORY], "top": 10}).encode()
    for recommendations in (
        run_json(folder, *command)["recommendations"],
        recommend(bundle, body)["recommendations"],
    ):
        assert [[movie["log_odds"] for movie in prediction["watched"]] for prediction in recommendations] == [
            [movie.log_odds for movie in prediction.watched] for prediction in expected
        ]


def test_watched_is_empty_where_the_ranker_does_not_order(bundle: Bundle, tmp_path: Path) -> None:
    without_ranker = reelgraph.load(write_sample_bundle(tmp_path))
    for movies in (
        bundle.recommend(HISTORY, by="stars"),
        bundle.recommend([]),
        bundle.predict(HISTORY, [FIRST_ID + 7]),
        without_ranker.recommend(HISTORY),
    ):
        assert movies
        assert not any(movie.watched for movie in movies)


def test_select_watched_leaves_out_what_hardly_adds() -> None:
    history = np.array([4, 5, 6, 7])
    contribution = np.array([MIN_LOG_ODDS / 2, 0.3, -0.5, 0.2])
    lower = np.minimum(contribution, 0.2) - 0.15 * (history == 7)
    rows = np.stack([contribution, lower, -contribution - 0.5])
    stars = dict.fromkeys(history.tolist(), 4.0)
    first, second, third = select_watched(sample_catalog(20), stars, history, rows)
    assert [(movie.movie_id, movie.log_odds) for movie in first] == [(105, 0.3), (107, 0.2)]
    assert [movie.title for movie in second] == ["Heat (1986)"]
    assert third == ()


def test_select_watched_leaves_out_what_the_user_rated_below_the_mean() -> None:
    stars = {4: 1.0, 5: 4.0, 6: 3.5}
    (watched,) = select_watched(sample_catalog(20), stars, np.array([4, 5, 6]), np.full((1, 3), 0.4))
    assert [movie.movie_id for movie in watched] == [105, 106]


def test_select_watched_varies_the_movies_of_a_list() -> None:
    history = np.array([4, 5, 6, 7])
    contribution = np.array([0.5, 0.4, 0.3, 0.2])
    stars = dict.fromkeys(history.tolist(), 4.0)
    watched = select_watched(sample_catalog(20), stars, history, np.stack([contribution] * 3))
    movies = [[movie.movie_id for movie in named] for named in watched]
    assert movies == [[104, 105], [106, 104], [105, 107]]

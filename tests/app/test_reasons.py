"""Reasons share something with the movie, add to its prediction, and are of ratings above the user's mean."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from reelgraph.app.bundle.catalog import MovieCatalog
from reelgraph.app.bundle.format import VECTOR_NAMES, BundleContents, make_config
from reelgraph.app.bundle.model import Bundle
from reelgraph.app.bundle.reasons import select_reasons
from reelgraph.raters.fitting import fit_rater
from reelgraph.raters.rater import Attributions
from tests.helpers.bundle_samples import sample_catalog
from tests.helpers.history_strategies import random_histories
from tests.helpers.rater_samples import small_movie_inputs, small_rater_params

STARS = {1: 5.0, 2: 4.5, 3: 4.0, 4: 1.0, 5: 2.0, 6: 0.5}
COLUMNS = {
    "actor_1": ["Ann", "Ann", None, None, "Ann", None, None] + [None] * 13,
    "ratings": [10] * 20,
    "director_1": ["Bob"] + [None] * 19,
    "genre_1": ["Drama", "Crime", "Drama", "Drama", "Crime", "War", "Crime"] + [None] * 13,
    "other_genres": [["Crime", "War"], [], ["War"], [], [], ["Drama"], []] + [[]] * 13,
}


@pytest.fixture(scope="module")
def catalog() -> MovieCatalog:
    return sample_catalog(20, **COLUMNS)


def reasons(
    catalog: MovieCatalog,
    contribution: list[float],
    audience: int | None = None,
    earlier: dict | None = None,
    stars: dict[int, float] = STARS,
) -> dict:
    """Return what each reason of movie 0 shares, by movie id; ``audience`` is a row with the same audience."""
    vectors = None
    if audience is not None:
        vectors = np.eye(20, dtype=np.float32)
        vectors[audience] = vectors[0]
    rows = np.array(list(stars))
    attribution = Attributions(np.arange(6), np.array(contribution))
    selected = select_reasons(catalog, vectors, stars, 0, rows, attribution, earlier or {})
    assert all(reason.stars == stars[reason.movie_id - 100] for reason in selected)
    return {reason.movie_id - 100: (*reason.shared, reason.same_audience) for reason in selected}


def test_select_reasons_says_what_is_shared(catalog: MovieCatalog) -> None:
    assert reasons(catalog, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]) == {
        2: ("Drama", "War", False),
        1: ("Ann", "Crime", False),
    }
    assert reasons(catalog, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6], audience=3)[3] == ("Drama", True)


def test_a_movie_without_ratings_has_no_audience() -> None:
    for unrated in (0, 3):
        ratings = [10 * (row != unrated) for row in range(20)]
        catalog = sample_catalog(20, **COLUMNS | {"ratings": ratings})
        assert 3 not in reasons(catalog, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6], audience=3)


def test_a_counter_reason_is_a_rating_below_the_mean_that_takes_something(catalog: MovieCatalog) -> None:
    assert list(reasons(catalog, [0.0, 0.0, 0.0, 0.0, -0.2, 0.0])) == [5]
    assert list(reasons(catalog, [0.0, 0.0, 0.0, 0.0, -0.004, 0.0])) == []
    equal = dict.fromkeys(STARS, 5.0)
    assert list(reasons(catalog, [0.2, -0.3, 0.0, 0.0, -0.2, 0.0], stars=equal)) == [1]


def test_select_reasons_puts_a_counter_reason_last(catalog: MovieCatalog) -> None:
    selected = reasons(catalog, [0.2, 0.1, 0.0, -0.3, -0.2, -0.9])
    assert list(selected) == [1, 2, 4]
    assert list(reasons(catalog, [0.2, 0.1, 0.0, -0.05, -0.05, -0.9])) == [1, 2]
    assert list(reasons(catalog, [-0.2, -0.1, 0.0, 0.3, 0.2, 0.1])) == []


def test_select_reasons_prefers_what_is_no_reason_of_the_movies_above(catalog: MovieCatalog) -> None:
    contribution = [0.5, 0.3, 0.0, 0.0, 0.0, 0.0]
    assert list(reasons(catalog, contribution, earlier={})) == [1, 2]
    assert list(reasons(catalog, contribution, earlier={101: 1})) == [2, 1]
    assert list(reasons(catalog, contribution, earlier={101: 1, 102: 1})) == [1, 2]


@pytest.mark.slow
def test_reasons_of_a_planted_taste_are_movies_of_the_same_kind(tmp_path: Path) -> None:
    """Each user likes one of four kinds of ten movies. All movies share two genres, so ratings decide."""
    rng = np.random.default_rng(0)
    histories = random_histories(1, 60, 40, 40)
    kind = np.arange(40) % 4
    for user, start in enumerate(histories.offsets[:-1]):
        end = histories.offsets[user + 1]
        histories.movie_row[start:end] = rng.permutation(40)[: end - start]
    is_liked = kind[histories.movie_row] == histories.users_of(np.arange(len(histories.movie_row))) % 4
    histories = replace(histories, half_star_code=np.where(is_liked, 9, 3).astype(np.uint8))
    movies = small_movie_inputs()
    params = small_rater_params("gp")
    fit_rater(params, histories, movies).train.save(tmp_path / "weights.safetensors")
    contents = BundleContents(
        catalog=sample_catalog(
            40, genre_1=["Drama"] * 40, other_genres=[["Crime"]] * 40, actor_1=[None] * 40
        ),
        vectors=dict.fromkeys(VECTOR_NAMES, movies.vectors),
        config=make_config(params.config(), 40),
        weights=tmp_path / "weights.safetensors",
        card="",
        results={},
    )
    history = [(100 + row, 5.0 if kind[row] == 2 else 1.5) for row in range(20)]
    recommended = Bundle(contents).recommend(history, top=5)
    assert [kind[movie.movie_id - 100] for movie in recommended] == [2] * 5
    reasons = [reason for movie in recommended for reason in movie.reasons if reason.contribution > 0]
    assert len(reasons) == 15
    assert {kind[reason.movie_id - 100] for reason in reasons} == {2}


def test_select_reasons_of_no_history(catalog: MovieCatalog) -> None:
    empty = np.zeros(0, np.int64)
    assert select_reasons(catalog, None, {}, 0, empty, Attributions(empty, np.zeros(0)), {}) == ()

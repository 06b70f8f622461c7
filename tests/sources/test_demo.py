"""The demo's ratings: determinism, contract, statistics of latest-small, exposure independent of preferences."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ibis.backends import BaseBackend

from reelgraph.core.schemas.tables import RATINGS
from reelgraph.core.table_engine import read_parquet
from reelgraph.params.data import Demo
from reelgraph.runtime.atomic_io import write_parquet
from reelgraph.runtime.errors import ParamError
from reelgraph.sources.demo import exposure
from reelgraph.sources.demo.exposure import YearlyPopularity, sample_distinct_movies
from reelgraph.sources.demo.generate import DemoData, generate_demo
from reelgraph.sources.demo.movies import generate_movies

DEFAULT = Demo(users=600, movies=1500, mean_ratings=100, max_ratings=1000)
LATEST_SMALL = Demo(users=610, movies=9742, mean_ratings=165, max_ratings=2698)
STAR_FRACTIONS = np.array([0.014, 0.028, 0.018, 0.075, 0.055, 0.199, 0.130, 0.266, 0.085, 0.131])
"""Fractions of 0.5, 1 … 5 stars in latest-small."""


@pytest.fixture(scope="module")
def small() -> DemoData:
    return generate_demo(LATEST_SMALL, 42)


def columns(data: DemoData) -> list[np.ndarray]:
    return [data.ratings[name].to_numpy() for name in ("userId", "movieId", "rating", "timestamp")]


def digest(data: DemoData, folder: Path) -> str:
    """Return a hash of the files' bytes."""
    write_parquet(data.catalog, folder / "catalog.parquet")
    write_parquet(data.ratings, folder / "ratings.parquet")
    files = [(folder / f"{name}.parquet").read_bytes() for name in ("catalog", "ratings")]
    arrays = [array.tobytes() for array in data.truth.values()]
    return hashlib.sha256(b"".join(files + arrays)).hexdigest()


def test_generate_demo_deterministic(tmp_path: Path) -> None:
    params = Demo(users=50, movies=200, mean_ratings=30, max_ratings=100)
    first = digest(generate_demo(params, 1), tmp_path)
    assert digest(generate_demo(params, 1), tmp_path) == first
    assert digest(generate_demo(params, 2), tmp_path) != first


def test_generate_demo_satisfies_contract(
    small: DemoData, tmp_path: Path, duckdb_engine: BaseBackend
) -> None:
    assert small.ratings.schema == RATINGS.file_schema
    write_parquet(small.ratings, tmp_path / "ratings.parquet")
    validated = RATINGS.validate(read_parquet(duckdb_engine, tmp_path / "ratings.parquet"), "demo")
    assert validated.count().to_pyarrow().as_py() == small.ratings.num_rows
    assert np.isin(columns(small)[1], small.truth["movie_id"]).all()


@settings(max_examples=25, deadline=None)
@given(
    users=st.integers(1, 40), movies=st.integers(1, 60), mean=st.integers(1, 60),
    maximum=st.integers(1, 80), seed=st.integers(0, 9),
)  # fmt: skip
def test_generate_demo_any_size(users: int, movies: int, mean: int, maximum: int, seed: int) -> None:
    params = Demo(users=users, movies=movies, mean_ratings=mean, max_ratings=maximum)
    if mean > min(movies, maximum):
        with pytest.raises(ParamError, match=r"demo\.mean_ratings: expected at most demo\.m"):
            generate_demo(params, seed)
        return
    data = generate_demo(params, seed)
    user, movie, _, time = columns(data)
    counts = np.bincount(user)[1:]
    assert len(counts) == users
    assert counts.min() >= 1
    assert counts.max() <= min(maximum, movies)
    assert len(np.unique(user * 10**9 + movie)) == len(user)
    assert (np.lexsort((movie, time, user)) == np.arange(len(user))).all()


def test_generate_demo_several_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exposure, "RATINGS_PER_CHUNK", 500)
    data = generate_demo(Demo(users=100, movies=300, mean_ratings=40, max_ratings=90), 3)
    user, movie, _, _ = columns(data)
    assert (np.diff(data.truth["offsets"]) == np.bincount(user)[1:]).all()
    assert (np.repeat(data.truth["user_id"], np.diff(data.truth["offsets"])) == user).all()
    assert len(np.unique(user * 10**9 + movie)) == len(user)
    assert len(data.truth["rating_mean"]) == len(user)


def test_generate_demo_stars_match_latest_small(small: DemoData) -> None:
    user, _, stars, _ = columns(small)
    assert stars.mean() == pytest.approx(3.50, abs=0.1)
    assert stars.std() == pytest.approx(1.04, abs=0.05)
    fractions = np.bincount((stars * 2).astype(int), minlength=11)[1:] / len(stars)
    smooth = np.array([0.25, 0.5, 0.25])
    assert np.abs(np.convolve(fractions - STAR_FRACTIONS, smooth, "valid")).max() < 0.04
    means = np.bincount(user, stars)[1:] / np.bincount(user)[1:]
    assert means.std() == pytest.approx(0.48, abs=0.06)


def test_generate_demo_rating_counts_match_latest_small(small: DemoData) -> None:
    user, movie, _, _ = columns(small)
    activity = np.bincount(user)[1:]
    assert activity.min() == 20
    assert activity.max() == 2698
    assert activity.mean() == pytest.approx(165, rel=0.02)
    assert np.median(activity) == pytest.approx(70.5, rel=0.25)
    _, counts = np.unique(movie, return_counts=True)
    assert np.quantile(counts, 0.1) <= 2
    assert 2 <= np.median(counts) <= 6
    assert np.quantile(counts, 0.9) == pytest.approx(27, rel=0.3)
    assert counts.max() / 610 == pytest.approx(0.54, abs=0.12)
    assert 0 < 1 - len(counts) / 9742 < 0.2


def test_generate_exposure_times_match_latest_small(small: DemoData) -> None:
    user, _, _, time = columns(small)
    gaps = np.diff(time)[np.diff(user) == 0]
    assert (gaps == 0).mean() == pytest.approx(0.16, abs=0.03)
    assert (gaps > 3600).mean() == pytest.approx(0.063, abs=0.03)
    first = np.searchsorted(user, np.arange(1, 611))
    last = np.searchsorted(user, np.arange(1, 611), side="right") - 1
    days = (time[last] - time[first]) / 86_400
    assert np.median(days) < 5
    assert np.quantile(days, 0.9) > 200


def test_generate_exposure_after_release(small: DemoData) -> None:
    _, movie, _, time = columns(small)
    year = small.catalog["release_year"].to_numpy(zero_copy_only=False)
    released = year[np.searchsorted(small.truth["movie_id"], movie)]
    rated = time.astype("M8[s]").astype("M8[Y]").astype(int) + 1970
    has_year = ~np.isnan(released)
    assert (rated[has_year] >= released[has_year]).all()


def test_generate_exposure_independent_of_preferences() -> None:
    """The expected rating minus the movie's mean is not correlated with the movies that a user rates."""
    data = generate_demo(Demo(users=2000, movies=1000, mean_ratings=50, max_ratings=300), 5)
    truth = data.truth
    user = columns(data)[0] - 1
    row = np.searchsorted(truth["movie_id"], columns(data)[1])
    activity = np.bincount(user)
    preference = np.bincount(user, truth["rating_mean"] - truth["movie_mean"][row]) / activity
    quality = np.bincount(user, truth["movie_mean"][row]) / activity
    for statistic in (quality, np.log(activity)):
        assert abs(np.corrcoef(preference, statistic)[0, 1]) < 0.08
    # If users chose movies that they like, the mean would be well above 0.
    assert abs((truth["rating_mean"] - truth["movie_mean"][row]).mean()) < 0.06


def test_sample_distinct_movies_all_released() -> None:
    """A user who rates all released movies rates each once, however unpopular."""
    movies = generate_movies(300, 7)
    popularity = YearlyPopularity.from_movies(movies)
    released = np.flatnonzero(popularity.weight[0] > 0)
    n = len(released)
    year = np.zeros(2 * n, np.int64)
    movie = sample_distinct_movies(np.random.default_rng(0), popularity, year, np.array([0, n, 2 * n]))
    for movies_of_user in np.split(movie, 2):
        assert (np.sort(movies_of_user) == released).all()


def test_yearly_popularity_sample_proportional_to_weight() -> None:
    movies = generate_movies(50, 8)
    popularity = YearlyPopularity.from_movies(movies)
    movie = popularity.sample(np.random.default_rng(1), np.full(200_000, 10))
    expected = popularity.weight[10] / popularity.weight[10].sum()
    assert np.abs(np.bincount(movie, minlength=50) / 200_000 - expected).max() < 0.005


def test_generate_demo_default_size_fast() -> None:
    start = time.monotonic()
    generate_demo(DEFAULT, 42)
    assert time.monotonic() - start < 5.0

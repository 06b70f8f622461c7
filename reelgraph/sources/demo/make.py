"""The demo: a catalogue, ratings, and the truth that made them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from jaxtyping import Float32, Float64, Int64

from reelgraph.core.seeds import generator
from reelgraph.params.demo import Demo
from reelgraph.runtime.errors import ParamError
from reelgraph.schemas.ratings import RATINGS
from reelgraph.sources.demo.catalog import catalog_table
from reelgraph.sources.demo.movies import Movies, draw_movies
from reelgraph.sources.demo.opinions import DRIFT, NOISE_SD, PRIOR, levels, rate
from reelgraph.sources.demo.tastes import movie_truth
from reelgraph.sources.demo.viewing import Viewing, viewings


@dataclass(frozen=True)
class DemoData:
    """Two tables in the SPEC's schema, and what is behind the ratings."""

    catalog: pa.Table
    """Ordered by movieId."""
    ratings: pa.Table
    """Ordered by userId, timestamp, movieId; users are 1 … ``demo.users``."""
    truth: dict[str, np.ndarray]
    """For ``reelgraph.evaluation.bound``; state is (bias, tastes), stars where not said otherwise:

    movie_id        int64 [movies], ascending
    factors         float64 [movies, dim], what tastes are multiplied with
    movie_mean      float64 [movies], mean over all people before rounding
    prior_variance  float64 [1 + dim], of the state at the first rating
    drift_per_day   float64 [1 + dim], variance that a day adds to the state
    noise_sd        float64 [1], before rounding
    user_id         int64 [users], ascending
    offsets         int64 [users + 1], ratings of user u are at offsets[u] : offsets[u + 1]
    rating_mean     float32 [ratings], level before noise and rounding, in the order of the ratings table
    """


def make_demo(params: Demo, seed: int) -> DemoData:
    """Generate the demo; same params and seed give the same data.

    Raises:
        ParamError: the mean of ratings is above their maximum or above the number of movies.
    """
    _check(params)
    movies = draw_movies(params.movies, seed)
    factors, movie_mean = movie_truth(movies, seed)
    ratings, offsets, rating_mean = _ratings(params, movies, factors, movie_mean, seed)
    truth = {
        "movie_id": movies.movie_id, "factors": factors, "movie_mean": movie_mean,
        "prior_variance": PRIOR, "drift_per_day": DRIFT, "noise_sd": np.array([NOISE_SD]),
        "user_id": np.arange(1, params.users + 1), "offsets": offsets, "rating_mean": rating_mean,
    }  # fmt: skip
    return DemoData(catalog_table(movies, seed), ratings, truth)


def _check(params: Demo) -> None:
    for limit in ("max_ratings", "movies"):
        if params.mean_ratings > getattr(params, limit):
            raise ParamError("demo.mean_ratings", f"at most demo.{limit} = {getattr(params, limit)}",
                             str(params.mean_ratings), "Lower it, or raise the other.")  # fmt: skip


def _ratings(
    params: Demo,
    movies: Movies,
    factors: Float64[np.ndarray, "movies dim"],
    movie_mean: Float64[np.ndarray, "movies"],
    seed: int,
) -> tuple[pa.Table, Int64[np.ndarray, "bounds"], Float32[np.ndarray, "ratings"]]:
    """Return the ratings, their offsets by user, and the level of each."""
    people, noise = generator(seed, "demo/people"), generator(seed, "demo/noise")
    offsets, tables, means = np.zeros(1, np.int64), [], []
    for viewing in viewings(params, movies, seed):
        level = levels(people, viewing, factors, movie_mean)
        first_user = len(offsets)  # ids start at 1, as offsets do
        tables.append(_table(viewing, first_user, movies.movie_id, rate(noise, level)))
        means.append(level.astype(np.float32))
        offsets = np.concatenate([offsets, offsets[-1] + viewing.offsets[1:]])
    return pa.concat_tables(tables), offsets, np.concatenate(means)


def _table(
    viewing: Viewing,
    first_user: int,
    movie_id: Int64[np.ndarray, "movies"],
    stars: Float64[np.ndarray, "ratings"],
) -> pa.Table:
    counts = np.diff(viewing.offsets)
    users = np.repeat(np.arange(first_user, first_user + len(counts)), counts)
    columns = [users, movie_id[viewing.movie], stars, viewing.timestamp]
    return pa.table(columns, schema=RATINGS.file_schema)

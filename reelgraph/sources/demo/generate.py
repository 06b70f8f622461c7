"""Generates the demo: a catalogue, ratings, and the ground truth behind the ratings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Float32, Float64, Int64

from reelgraph.core.schemas.columns import ACTOR_COLUMNS
from reelgraph.core.schemas.tables import CATALOG, RATINGS
from reelgraph.core.seeds import generator
from reelgraph.params.data import Demo
from reelgraph.runtime.errors import ParamError
from reelgraph.sources.demo.exposure import Exposure, generate_exposure
from reelgraph.sources.demo.movies import DemoMovies, generate_movies
from reelgraph.sources.demo.names import (
    ACTOR_STRIDE,
    COUNTRIES,
    CREW_STRIDE,
    company_names,
    person_names,
    take_words,
)
from reelgraph.sources.demo.ratings import (
    DRIFT_PER_DAY,
    NOISE_STD,
    PRIOR_VARIANCE,
    add_noise_and_round,
    expected_ratings,
    movie_latent_factors,
)
from reelgraph.sources.demo.text_templates import GENRES
from reelgraph.sources.demo.texts import (
    Slots,
    generate_overviews,
    generate_taglines,
    generate_titles,
    story_slots,
)


@dataclass(frozen=True)
class DemoData:
    """Catalogue and ratings with the columns of the data contracts, and the ground truth."""

    catalog: pa.Table
    """Ordered by movieId."""
    ratings: pa.Table
    """Ordered by userId, timestamp, movieId; users are 1 … ``demo.users``."""
    truth: dict[str, np.ndarray]
    """Arrays for ``reelgraph.evaluation.bayes_bound``, in stars; a state is (bias, latent preferences):

    movie_id        int64 [movies], ascending
    factors         float64 [movies, dim], multiplied with the latent preferences
    movie_mean      float64 [movies], mean over all users before rounding
    prior_variance  float64 [1 + dim], of the state at the first rating
    drift_per_day   float64 [1 + dim], variance that a day adds to the state
    noise_sd        float64 [1], before rounding
    user_id         int64 [users], ascending
    offsets         int64 [users + 1], ratings of user u are at offsets[u] : offsets[u + 1]
    rating_mean     float32 [ratings], expected rating before noise and rounding, one per row of ``ratings``
    """


def generate_demo(params: Demo, seed: int) -> DemoData:
    """Generate the demo. The same params and seed give the same data.

    Raises:
        ParamError: the mean number of ratings exceeds the maximum or the number of movies.
    """
    _check_mean_ratings(params)
    movies = generate_movies(params.movies, seed)
    factors, movie_mean = movie_latent_factors(movies, seed)
    ratings, offsets, rating_mean = _generate_ratings(params, movies, factors, movie_mean, seed)
    truth = {
        "movie_id": movies.movie_id, "factors": factors, "movie_mean": movie_mean,
        "prior_variance": PRIOR_VARIANCE, "drift_per_day": DRIFT_PER_DAY, "noise_sd": np.array([NOISE_STD]),
        "user_id": np.arange(1, params.users + 1), "offsets": offsets, "rating_mean": rating_mean,
    }  # fmt: skip
    return DemoData(catalog_table(movies, seed), ratings, truth)


def _check_mean_ratings(params: Demo) -> None:
    for limit in ("max_ratings", "movies"):
        if params.mean_ratings > getattr(params, limit):
            raise ParamError("demo.mean_ratings", f"at most demo.{limit} = {getattr(params, limit)}",
                             str(params.mean_ratings), "Lower it, or raise the other.")  # fmt: skip


def _generate_ratings(
    params: Demo,
    movies: DemoMovies,
    factors: Float64[np.ndarray, "movies dim"],
    movie_mean: Float64[np.ndarray, "movies"],
    seed: int,
) -> tuple[pa.Table, Int64[np.ndarray, "bounds"], Float32[np.ndarray, "ratings"]]:
    """Return the ratings, their offsets by user, and the expected value of each."""
    state_rng = generator(seed, "demo/people")
    noise_rng = generator(seed, "demo/noise")
    offsets = np.zeros(1, np.int64)
    tables = []
    means = []
    for exposure in generate_exposure(params, movies, seed):
        expected = expected_ratings(state_rng, exposure, factors, movie_mean)
        first_user = len(offsets)  # ids start at 1, as offsets do
        stars = add_noise_and_round(noise_rng, expected)
        tables.append(_rating_table(exposure, first_user, movies.movie_id, stars))
        means.append(expected.astype(np.float32))
        offsets = np.concatenate([offsets, offsets[-1] + exposure.offsets[1:]])
    return pa.concat_tables(tables), offsets, np.concatenate(means)


def _rating_table(
    exposure: Exposure,
    first_user: int,
    movie_id: Int64[np.ndarray, "movies"],
    stars: Float64[np.ndarray, "ratings"],
) -> pa.Table:
    counts = np.diff(exposure.offsets)
    users = np.repeat(np.arange(first_user, first_user + len(counts)), counts)
    columns = [users, movie_id[exposure.movie], stars, exposure.timestamp]
    return pa.table(columns, schema=RATINGS.file_schema)


def catalog_table(movies: DemoMovies, seed: int) -> pa.Table:
    """Return the catalogue: names, titles and texts; missing values are null."""
    names = _entity_names(movies)
    slots = story_slots(movies, names, seed)
    columns = {
        "movie_id": pa.array(movies.movie_id),
        "original_title": generate_titles(slots, movies, seed),
        "tagline": generate_taglines(slots, movies, seed),
        "overview": generate_overviews(slots, movies, seed),
        "release_year": pa.array(movies.year),
        **names,
    }
    for name, available in movies.available.items():
        columns[name] = pc.if_else(pa.array(available), columns[name], None)
    unknown = {column.name: pa.nulls(len(movies.movie_id), column.type) for column in CATALOG.columns}
    return pa.table(list((unknown | columns).values()), schema=CATALOG.file_schema)


def _entity_names(movies: DemoMovies) -> Slots:
    actors = {
        column: person_names(movies.culture, movies.actors[:, index], ACTOR_STRIDE)
        for index, column in enumerate(ACTOR_COLUMNS)
    }
    return {
        **actors,
        "director_1": person_names(movies.culture, movies.director, CREW_STRIDE),
        "writer_1": person_names(movies.culture, movies.writer, CREW_STRIDE),
        "genre_1": take_words([g.name for g in GENRES], movies.genre),
        "produced_by_company_1": company_names(movies.company),
        "produced_in_country_1": take_words([c.name for c in COUNTRIES], movies.country),
        "spoken_language_1": take_words([c.language for c in COUNTRIES], movies.language),
    }

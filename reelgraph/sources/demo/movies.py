"""Samples the demo's movies: entities and themes as indices, year, popularity, missing values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64

from reelgraph.core.seeds import generator
from reelgraph.sources.demo.names import COUNTRIES, MAX_COMPANIES
from reelgraph.sources.demo.text_templates import GENRES, THEMES

FIRST_YEAR = 1996
"""Year of the first ratings. At least one movie is that old, so that every user has a movie to rate."""

DECADES = {1920: 0.005, 1930: 0.014, 1940: 0.020, 1950: 0.029, 1960: 0.041, 1970: 0.052, 1980: 0.121,
           1990: 0.227, 2000: 0.293, 2010: 0.198}  # fmt: skip
"""Fraction of movies by decade of release, as in MovieLens latest-small."""

LAST_YEAR = 2018
"""Last year of releases and ratings."""

MISSING_FRACTIONS = {
    "tagline": 0.35, "overview": 0.15, "actor_1": 0.027, "actor_2": 0.035, "actor_3": 0.04,
    "director_1": 0.015, "writer_1": 0.36, "genre_1": 0.003, "produced_by_company_1": 0.22,
    "produced_in_country_1": 0.22, "spoken_language_1": 0.27, "release_year": 0.001,
}  # fmt: skip
"""Fraction of movies without a value in the column, as in latest-small (where 22 % have no overview)."""

N_THEMES = 3
"""Number of themes of a movie."""

UPPER_SLOPE = 1.95
UPPER_CURVATURE = 0.1
LOWER_SLOPE = 0.95
"""Log-popularity as a function of a normal variable z, fitted to latest-small's ratings per movie.

Above the median it is UPPER_SLOPE · z − UPPER_CURVATURE · z². The most popular movies are then
rated by half of the users, not by all. Below the median it is LOWER_SLOPE · z.
"""


@dataclass(frozen=True)
class DemoMovies:
    """One entry per movie. Entities are indices within their type, people within their culture."""

    movie_id: Int64[np.ndarray, "movies"]
    genre: Int64[np.ndarray, "movies"]
    themes: Int64[np.ndarray, "movies 3"]
    """Distinct; taglines mention the first."""
    country: Int64[np.ndarray, "movies"]
    language: Int64[np.ndarray, "movies"]
    """Index of the country that speaks it."""
    company: Int64[np.ndarray, "movies"]
    culture: Int64[np.ndarray, "movies"]
    actors: Int64[np.ndarray, "movies 3"]
    director: Int64[np.ndarray, "movies"]
    writer: Int64[np.ndarray, "movies"]
    """An index among the directors, since a writer may also direct."""
    year: Int64[np.ndarray, "movies"]
    popularity: Float64[np.ndarray, "movies"]
    """Relative probability of being rated; above 0, median 1."""
    available: dict[str, Bool[np.ndarray, "movies"]]
    """Column of the catalogue → whether the movie has a value there."""


def generate_movies(count: int, seed: int) -> DemoMovies:
    """Sample the movies; each attribute has its own random stream."""
    genre = _sample(generator(seed, "demo/genre"), np.array([g.fraction for g in GENRES]), count)
    country = _sample(generator(seed, "demo/country"), np.array([c.fraction for c in COUNTRIES]), count)
    culture = np.array([c.culture for c in COUNTRIES])[country]
    director, writer = _directors_and_writers(culture, seed)
    popularity = _popularity(count, seed)
    actors = np.stack([_people(culture, seed, f"actor_{i + 1}") for i in range(3)], axis=1)
    return DemoMovies(
        movie_id=_ids(count, seed), genre=genre, themes=_themes(genre, seed), country=country,
        language=_languages(country, seed), company=_companies(count, seed), culture=culture,
        actors=actors, director=director, writer=writer, year=_years(count, seed), popularity=popularity,
        available=_available(popularity, actors, seed),
    )  # fmt: skip


def _sample(
    rng: np.random.Generator, weights: Float64[np.ndarray, "values"], count: int
) -> Int64[np.ndarray, "count"]:
    """Sample indices with probabilities proportional to the weights."""
    cumulative = np.cumsum(weights)
    index = np.searchsorted(cumulative, rng.random(count) * cumulative[-1], side="right")
    return np.minimum(index, len(weights) - 1)


def _long_tail(
    rng: np.random.Generator, pool: int, count: int, exponent: float
) -> Int64[np.ndarray, "count"]:
    """Sample indices from a Zipf-Mandelbrot law, with at most about 40 movies per index."""
    return _sample(rng, (np.arange(pool) + 1 + pool / 300) ** -exponent, count)


def _ids(count: int, seed: int) -> Int64[np.ndarray, "count"]:
    """Sample ascending ids, dense at first and sparse later, as in MovieLens."""
    rng = generator(seed, "demo/movie_id")
    gaps = 1 + rng.poisson(np.linspace(0.2, 30.0, count))
    return np.cumsum(gaps).astype(np.int64)


def _themes(genre: Int64[np.ndarray, "movies"], seed: int) -> Int64[np.ndarray, "movies 3"]:
    rng = generator(seed, "demo/themes")
    common = np.array([[g.name.replace(" ", "")[:4] in t.genres for t in THEMES] for g in GENRES])
    log_weight = np.log(np.where(common, 1.0, 0.03))[genre]
    return np.argsort(-(log_weight + rng.gumbel(size=log_weight.shape)), axis=1, kind="stable")[:, :N_THEMES]


def _languages(country: Int64[np.ndarray, "movies"], seed: int) -> Int64[np.ndarray, "movies"]:
    rng = generator(seed, "demo/language")
    english = rng.random(len(country)) < 0.12
    canonical = {c.language: i for i, c in reversed(list(enumerate(COUNTRIES)))}
    language_of_country = np.array([canonical[c.language] for c in COUNTRIES])
    return np.where(english, 0, language_of_country[country])


def _companies(count: int, seed: int) -> Int64[np.ndarray, "count"]:
    rng = generator(seed, "demo/company")
    return _sample(rng, (np.arange(max(1, min(count // 2, MAX_COMPANIES))) + 3.0) ** -1.0, count)


def _people(culture: Int64[np.ndarray, "movies"], seed: int, role: str) -> Int64[np.ndarray, "movies"]:
    """Sample a person for each movie; a culture has as many people as movies."""
    person = np.zeros(len(culture), np.int64)
    for index in np.unique(culture):
        rows = np.flatnonzero(culture == index)
        rng = generator(seed, f"demo/{role}/{index}")
        person[rows] = _long_tail(rng, len(rows), len(rows), 0.9)
    return person


def _directors_and_writers(
    culture: Int64[np.ndarray, "movies"], seed: int
) -> tuple[Int64[np.ndarray, "movies"], Int64[np.ndarray, "movies"]]:
    """Sample directors and writers; 30 % of the movies are written by their director."""
    director = _people(culture, seed, "director")
    writer = _people(culture, seed, "writer")
    same = generator(seed, "demo/same_writer").random(len(culture)) < 0.3
    return director, np.where(same, director, writer)


def _years(count: int, seed: int) -> Int64[np.ndarray, "count"]:
    rng = generator(seed, "demo/year")
    decade = np.array(list(DECADES))[_sample(rng, np.array(list(DECADES.values())), count)]
    years = np.minimum(decade + rng.integers(0, 10, count), LAST_YEAR)
    years[np.argmin(years)] = min(years.min(), FIRST_YEAR)
    return years


def _popularity(count: int, seed: int) -> Float64[np.ndarray, "count"]:
    normal = generator(seed, "demo/popularity").standard_normal(count)
    slope = np.where(normal > 0, UPPER_SLOPE - UPPER_CURVATURE * normal, LOWER_SLOPE)
    return np.exp(normal * slope)


def _available(
    popularity: Float64[np.ndarray, "movies"], actors: Int64[np.ndarray, "movies 3"], seed: int
) -> dict[str, Bool[np.ndarray, "movies"]]:
    """Sample which columns have values: popular movies have more, and missing values occur together."""
    rng = generator(seed, "demo/known")
    count = len(popularity)
    completeness = 0.7 * np.log(popularity) + rng.standard_normal(count)
    scores = {column: completeness + 0.5 * rng.standard_normal(count) for column in MISSING_FRACTIONS}
    available = {column: s >= np.quantile(s, MISSING_FRACTIONS[column]) for column, s in scores.items()}
    available["actor_2"] &= actors[:, 1] != actors[:, 0]
    available["actor_3"] &= (actors[:, 2] != actors[:, 0]) & (actors[:, 2] != actors[:, 1])
    return available

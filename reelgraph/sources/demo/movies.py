"""The demo's movies as numbers: genre, themes, people, places, years, popularity, and what is on record."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64

from reelgraph.core.seeds import generator
from reelgraph.sources.demo.names import COUNTRIES, MAX_COMPANIES
from reelgraph.sources.demo.text_templates import GENRES, THEMES

FIRST_YEAR = 1996
"""Ratings begin in it; the oldest movie is no younger, so that everybody finds something to rate."""

DECADES = {1920: 0.005, 1930: 0.014, 1940: 0.020, 1950: 0.029, 1960: 0.041, 1970: 0.052, 1980: 0.121,
           1990: 0.227, 2000: 0.293, 2010: 0.198}  # fmt: skip
"""Share of movies by decade of release, as in MovieLens latest-small."""

LAST_YEAR = 2018

MISSING_FRACTIONS = {
    "tagline": 0.35, "overview": 0.15, "actor_1": 0.027, "actor_2": 0.035, "actor_3": 0.04,
    "director_1": 0.015, "writer_1": 0.36, "genre_1": 0.003, "produced_by_company_1": 0.22,
    "produced_in_country_1": 0.22, "spoken_language_1": 0.27, "release_year": 0.001,
}  # fmt: skip
"""Share of movies without the field, as in latest-small's catalogue (there 22 % have no overview)."""

N_THEMES = 3
"""Themes of a movie."""

UPPER_TAIL, UPPER_BEND, LOWER_TAIL = 1.95, 0.1, 0.95
"""Log-popularity over a normal variable z, fitted to latest-small's ratings a movie.

Above the median it is UPPER_TAIL · z − UPPER_BEND · z², so that the best known movies
are rated by half of the people and not by all; below it is LOWER_TAIL · z.
"""


@dataclass(frozen=True)
class DemoMovies:
    """One entry a movie; entities are indices of their kind, people those of their culture's pool."""

    movie_id: Int64[np.ndarray, "movies"]
    genre: Int64[np.ndarray, "movies"]
    themes: Int64[np.ndarray, "movies 3"]
    """Distinct; the first is the one that a tagline speaks of."""
    country: Int64[np.ndarray, "movies"]
    language: Int64[np.ndarray, "movies"]
    """Index of the country whose language it is."""
    company: Int64[np.ndarray, "movies"]
    culture: Int64[np.ndarray, "movies"]
    actors: Int64[np.ndarray, "movies 3"]
    director: Int64[np.ndarray, "movies"]
    writer: Int64[np.ndarray, "movies"]
    """Index into the directors' pool: who writes may also direct."""
    year: Int64[np.ndarray, "movies"]
    popularity: Float64[np.ndarray, "movies"]
    """Odds of being rated, all else equal; above 0, median 1."""
    available: dict[str, Bool[np.ndarray, "movies"]]
    """Column of the catalogue → whether the movie has it."""


def generate_movies(count: int, seed: int) -> DemoMovies:
    """Draw the movies; each aspect has a stream of its own."""
    genre = _draw(generator(seed, "demo/genre"), np.array([g.share for g in GENRES]), count)
    country = _draw(generator(seed, "demo/country"), np.array([c.share for c in COUNTRIES]), count)
    culture = np.array([c.culture for c in COUNTRIES])[country]
    director, writer = _makers(culture, seed)
    popularity = _popularity(count, seed)
    actors = np.stack([_cast(culture, seed, f"actor_{i + 1}") for i in range(3)], axis=1)
    return DemoMovies(
        movie_id=_ids(count, seed), genre=genre, themes=_themes(genre, seed), country=country,
        language=_languages(country, seed), company=_companies(count, seed), culture=culture,
        actors=actors, director=director, writer=writer, year=_years(count, seed), popularity=popularity,
        available=_known(popularity, actors, seed),
    )  # fmt: skip


def _draw(
    rng: np.random.Generator, weights: Float64[np.ndarray, "kinds"], count: int
) -> Int64[np.ndarray, "count"]:
    """Draw indices with odds in proportion to the weights."""
    cumulated = np.cumsum(weights)
    drawn = np.searchsorted(cumulated, rng.random(count) * cumulated[-1], side="right")
    return np.minimum(drawn, len(weights) - 1)


def _long_tail(
    rng: np.random.Generator, pool: int, count: int, exponent: float
) -> Int64[np.ndarray, "count"]:
    """Draw indices by a Zipf-Mandelbrot law; the offset keeps the busiest at some 40 in any pool."""
    return _draw(rng, (np.arange(pool) + 1 + pool / 300) ** -exponent, count)


def _ids(count: int, seed: int) -> Int64[np.ndarray, "count"]:
    """Draw ascending ids, dense at first and sparse later, as MovieLens' are."""
    rng = generator(seed, "demo/movie_id")
    gaps = 1 + rng.poisson(np.linspace(0.2, 30.0, count))
    return np.cumsum(gaps).astype(np.int64)


def _themes(genre: Int64[np.ndarray, "movies"], seed: int) -> Int64[np.ndarray, "movies 3"]:
    rng = generator(seed, "demo/themes")
    common = np.array([[g.name.replace(" ", "")[:4] in t.genres for t in THEMES] for g in GENRES])
    odds = np.log(np.where(common, 1.0, 0.03))[genre]
    return np.argsort(-(odds + rng.gumbel(size=odds.shape)), axis=1, kind="stable")[:, :N_THEMES]


def _languages(country: Int64[np.ndarray, "movies"], seed: int) -> Int64[np.ndarray, "movies"]:
    rng = generator(seed, "demo/language")
    english = rng.random(len(country)) < 0.12
    canonical = {c.language: i for i, c in reversed(list(enumerate(COUNTRIES)))}
    own = np.array([canonical[c.language] for c in COUNTRIES])
    return np.where(english, 0, own[country])


def _companies(count: int, seed: int) -> Int64[np.ndarray, "count"]:
    rng = generator(seed, "demo/company")
    return _draw(rng, (np.arange(max(1, min(count // 2, MAX_COMPANIES))) + 3.0) ** -1.0, count)


def _cast(culture: Int64[np.ndarray, "movies"], seed: int, role: str) -> Int64[np.ndarray, "movies"]:
    """Draw a person a movie; each culture has a pool as large as its movies are many."""
    person = np.zeros(len(culture), np.int64)
    for one in np.unique(culture):
        rows = np.flatnonzero(culture == one)
        rng = generator(seed, f"demo/{role}/{one}")
        person[rows] = _long_tail(rng, len(rows), len(rows), 0.9)
    return person


def _makers(
    culture: Int64[np.ndarray, "movies"], seed: int
) -> tuple[Int64[np.ndarray, "movies"], Int64[np.ndarray, "movies"]]:
    """Draw directors and writers; three in ten direct what they wrote."""
    director, other = _cast(culture, seed, "director"), _cast(culture, seed, "writer")
    same = generator(seed, "demo/same_writer").random(len(culture)) < 0.3
    return director, np.where(same, director, other)


def _years(count: int, seed: int) -> Int64[np.ndarray, "count"]:
    rng = generator(seed, "demo/year")
    decade = np.array(list(DECADES))[_draw(rng, np.array(list(DECADES.values())), count)]
    years = np.minimum(decade + rng.integers(0, 10, count), LAST_YEAR)
    years[np.argmin(years)] = min(years.min(), FIRST_YEAR)
    return years


def _popularity(count: int, seed: int) -> Float64[np.ndarray, "count"]:
    normal = generator(seed, "demo/popularity").standard_normal(count)
    slope = np.where(normal > 0, UPPER_TAIL - UPPER_BEND * normal, LOWER_TAIL)
    return np.exp(normal * slope)


def _known(
    popularity: Float64[np.ndarray, "movies"], actors: Int64[np.ndarray, "movies 3"], seed: int
) -> dict[str, Bool[np.ndarray, "movies"]]:
    """Decide what is on record: more of popular movies, and gaps come together."""
    rng = generator(seed, "demo/known")
    count = len(popularity)
    record = 0.7 * np.log(popularity) + rng.standard_normal(count)
    scores = {column: record + 0.5 * rng.standard_normal(count) for column in MISSING_FRACTIONS}
    known = {column: s >= np.quantile(s, MISSING_FRACTIONS[column]) for column, s in scores.items()}
    known["actor_2"] &= actors[:, 1] != actors[:, 0]
    known["actor_3"] &= (actors[:, 2] != actors[:, 0]) & (actors[:, 2] != actors[:, 1])
    return known

"""The demo's rating model: latent factors of movies, drifting user states, noise and rounding.

The state of user u at time t is x_u(t) = (bias, latent preferences), a Gaussian random walk:
    x_u(first rating) ~ N(0, diag(PRIOR_VARIANCE)),
    x_u(t + d days) = x_u(t) + N(0, d · diag(DRIFT_PER_DAY)).
Expected rating of movie m by u at t, in stars:  z = mean_m + (1, factors_m) · x_u(t).
Rating: the half star nearest to z + N(0, NOISE_STD²), clipped to 0.5 … 5.

Mean, standard deviation and the smoothed histogram of stars are close to MovieLens latest-small.
One property is not reproduced: MovieLens has about twice as many whole stars as adjacent half
stars, which no rounding of a normal variable to the nearest half star gives.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from jaxtyping import Bool, Float64, Int64

from reelgraph.core.rating_scale import MAX_STARS, MIN_STARS, STAR_STEP
from reelgraph.core.seeds import generator
from reelgraph.sources.demo.exposure import SECONDS_PER_DAY, Exposure
from reelgraph.sources.demo.movies import N_THEMES, DemoMovies

LATENT_DIM = 8
"""Dimension of latent factors and preferences."""

MEAN_STARS = 3.63
"""Mean rating of a movie before rounding and clipping, which lower it to 3.5."""

QUALITY_STD = 0.43
"""Standard deviation of the movies' means over ratings, stars."""

SKEW = 0.18
"""Skewness: how much longer the tail of bad movies is than the tail of good ones."""

FACTOR_WEIGHTS = {"genre": 0.55, "theme": 0.40, "director": 0.30, "actor": 0.20, "writer": 0.15,
                  "company": 0.12, "country": 0.25, "language": 0.15, "own": 0.15}  # fmt: skip
"""Weight of each entity type in the latent factors; "own" is the part that the catalogue does not explain."""

QUALITY_WEIGHTS = {"genre": 0.25, "theme": 0.15, "director": 0.40, "actor": 0.25, "writer": 0.25,
                   "company": 0.20, "country": 0.10, "language": 0.05, "own": 0.65}  # fmt: skip
"""The same weights for the quality of a movie."""

POPULARITY_WEIGHT = 0.3
"""Weight of log-popularity in quality: popular movies are better, as in MovieLens."""

NOISE_STD = 0.68
"""Standard deviation of a rating around its expected value, stars."""

BIAS_VARIANCE = 0.25
"""Variance of the user bias over users, stars²."""

PREFERENCE_VARIANCE = 0.32
"""Variance that the latent preferences add over ratings, stars²."""

DRIFT_PER_YEAR = 0.35
"""Variance that a year of drift adds, as a fraction of the prior variance."""

PRIOR_VARIANCE = np.concatenate([[BIAS_VARIANCE], np.full(LATENT_DIM, PREFERENCE_VARIANCE)])
"""Variance of a user's state at the first rating; movie factors have a mean square norm of 1."""

DRIFT_PER_DAY = PRIOR_VARIANCE * DRIFT_PER_YEAR / 365.25
"""Variance that a day adds to the state."""


def movie_latent_factors(
    movies: DemoMovies, seed: int
) -> tuple[Float64[np.ndarray, "movies dim"], Float64[np.ndarray, "movies"]]:
    """Return each movie's latent factors, and its mean over all users in stars.

    A column that the catalogue lacks contributes nothing. Weighted by popularity, factors have mean 0
    and a mean square norm of 1, and quality is standardized.
    """
    factors, quality = _sum_entity_effects(movies, seed)
    weight = movies.popularity
    # np.average instead of BLAS, whose sums depend on the number of threads.
    factors = factors - np.average(factors, axis=0, weights=weight)
    norm = np.sqrt(np.average((factors**2).sum(axis=1), weights=weight))
    quality = _standardize(quality + POPULARITY_WEIGHT * np.log(movies.popularity), weight)
    skewed = _standardize(quality - SKEW * quality**2, weight)
    return factors / max(norm, 1e-9), MEAN_STARS + QUALITY_STD * skewed


def _standardize(
    values: Float64[np.ndarray, "movies"], weight: Float64[np.ndarray, "movies"]
) -> Float64[np.ndarray, "movies"]:
    centred = values - np.average(values, weights=weight)
    return centred / max(np.sqrt(np.average(centred**2, weights=weight)), 1e-9)


def _sum_entity_effects(
    movies: DemoMovies, seed: int
) -> tuple[Float64[np.ndarray, "movies dim"], Float64[np.ndarray, "movies"]]:
    """Return factors and quality as weighted sums over the movie's entities."""
    count = len(movies.genre)
    unexplained = generator(seed, "demo/own").standard_normal((count, LATENT_DIM + 1))
    factors = FACTOR_WEIGHTS["own"] * unexplained[:, :LATENT_DIM]
    quality = QUALITY_WEIGHTS["own"] * unexplained[:, LATENT_DIM]
    for entity_type, index, available in _entities(movies):
        effect = _entity_vectors(entity_type, index, seed) * available[:, None]
        factors += FACTOR_WEIGHTS[entity_type] * effect[:, :LATENT_DIM]
        quality += QUALITY_WEIGHTS[entity_type] * effect[:, LATENT_DIM]
    return factors, quality


def _entity_vectors(
    entity_type: str, index: Int64[np.ndarray, "movies"], seed: int
) -> Float64[np.ndarray, "movies dim"]:
    """Return a standard normal vector for each entity, the same in all columns of its type.

    The table is filled row by row, so that more entities leave the vectors of the first ones unchanged.
    """
    rng = generator(seed, f"demo/vectors/{entity_type}")
    table = rng.standard_normal((int(index.max()) + 1, LATENT_DIM + 1))
    return table[index]


def _entities(
    movies: DemoMovies,
) -> Iterator[tuple[str, Int64[np.ndarray, "movies"], Bool[np.ndarray, "movies"]]]:
    """Yield entity type, entity index and whether the catalogue has the entity."""
    available = movies.available
    yield "genre", movies.genre, available["genre_1"]
    for column in range(N_THEMES):
        yield "theme", movies.themes[:, column], available["overview"]
    for column in range(3):
        yield "actor", _global_index(movies, movies.actors[:, column]), available[f"actor_{column + 1}"]
    yield "director", _global_index(movies, movies.director), available["director_1"]
    yield "writer", _global_index(movies, movies.writer), available["writer_1"]
    yield "company", movies.company, available["produced_by_company_1"]
    yield "country", movies.country, available["produced_in_country_1"]
    yield "language", movies.language, available["spoken_language_1"]


def _global_index(movies: DemoMovies, index: Int64[np.ndarray, "movies"]) -> Int64[np.ndarray, "movies"]:
    """Turn indices within a culture into indices over all cultures."""
    return movies.culture * len(index) + index


def expected_ratings(
    rng: np.random.Generator,
    exposure: Exposure,
    factors: Float64[np.ndarray, "movies dim"],
    movie_mean: Float64[np.ndarray, "movies"],
) -> Float64[np.ndarray, "ratings"]:
    """Sample the users' states and return the expected value of each rating, in stars before noise."""
    state = _user_states(rng, exposure)
    preference = np.einsum("rd,rd->r", state[:, 1:], factors[exposure.movie])
    return movie_mean[exposure.movie] + state[:, 0] + preference


def _user_states(rng: np.random.Generator, exposure: Exposure) -> Float64[np.ndarray, "ratings state"]:
    """Sample the bias and latent preferences of the user at each rating."""
    first = exposure.offsets[:-1]
    counts = np.diff(exposure.offsets)
    days = np.diff(exposure.timestamp, prepend=exposure.timestamp[:1]) / SECONDS_PER_DAY
    days[first] = 0.0
    steps = rng.standard_normal((len(days), len(PRIOR_VARIANCE))) * np.sqrt(days[:, None] * DRIFT_PER_DAY)
    walk = np.cumsum(steps, axis=0)
    start = rng.standard_normal((len(first), len(PRIOR_VARIANCE))) * np.sqrt(PRIOR_VARIANCE)
    return walk + np.repeat(start - walk[first], counts, axis=0)


def add_noise_and_round(
    rng: np.random.Generator, expected: Float64[np.ndarray, "ratings"]
) -> Float64[np.ndarray, "ratings"]:
    """Add noise and round to half stars on the scale."""
    noisy = expected + NOISE_STD * rng.standard_normal(len(expected))
    return np.clip(np.floor(noisy / STAR_STEP + 0.5) * STAR_STEP, MIN_STARS, MAX_STARS)

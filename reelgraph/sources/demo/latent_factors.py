"""What people may like about a movie: factors and quality that follow from what the catalogue shows of it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from jaxtyping import Bool, Float64, Int64

from reelgraph.core.seeds import generator
from reelgraph.sources.demo.movies import N_THEMES, DemoMovies

LATENT_DIM = 8
"""Dimension of tastes."""

MEAN = 3.63
"""Stars of an average movie before rounding and clipping, which take it to 3.5."""

QUALITY_SD = 0.43
"""Spread of the movies' own level over ratings, stars."""

SKEW = 0.18
"""How much longer the tail of bad movies is than that of good ones."""

TASTE = {"genre": 0.55, "theme": 0.40, "director": 0.30, "actor": 0.20, "writer": 0.15, "company": 0.12,
         "country": 0.25, "language": 0.15, "own": 0.15}  # fmt: skip
QUALITY = {"genre": 0.25, "theme": 0.15, "director": 0.40, "actor": 0.25, "writer": 0.25, "company": 0.20,
           "country": 0.10, "language": 0.05, "own": 0.65}  # fmt: skip
"""Weight of each aspect in factors and in quality; "own" is what nothing in the catalogue tells."""

FAME = 0.3
"""Weight of popularity in quality: famous movies are better, as in MovieLens."""


def movie_latent_factors(
    movies: DemoMovies, seed: int
) -> tuple[Float64[np.ndarray, "movies dim"], Float64[np.ndarray, "movies"]]:
    """Return each movie's factors, and its mean over all people in stars.

    A field that the catalogue lacks contributes nothing. Factors are centred over
    ratings and scaled to a mean square norm of 1; quality is standardised over them.
    """
    taste, quality = _summed(movies, seed)
    weight = movies.popularity
    # np.average and not BLAS, whose sums depend on the number of threads
    taste = taste - np.average(taste, axis=0, weights=weight)
    norm = np.sqrt(np.average((taste**2).sum(axis=1), weights=weight))
    quality = _standardised(quality + FAME * np.log(movies.popularity), weight)
    skewed = _standardised(quality - SKEW * quality**2, weight)
    return taste / max(norm, 1e-9), MEAN + QUALITY_SD * skewed


def _standardised(
    values: Float64[np.ndarray, "movies"], weight: Float64[np.ndarray, "movies"]
) -> Float64[np.ndarray, "movies"]:
    centred = values - np.average(values, weights=weight)
    return centred / max(np.sqrt(np.average(centred**2, weights=weight)), 1e-9)


def _summed(
    movies: DemoMovies, seed: int
) -> tuple[Float64[np.ndarray, "movies dim"], Float64[np.ndarray, "movies"]]:
    count = len(movies.genre)
    own = generator(seed, "demo/own").standard_normal((count, LATENT_DIM + 1))
    taste, quality = TASTE["own"] * own[:, :LATENT_DIM], QUALITY["own"] * own[:, LATENT_DIM]
    for kind, index, known in _aspects(movies):
        drawn = _vectors(kind, index, seed) * known[:, None]
        taste += TASTE[kind] * drawn[:, :LATENT_DIM]
        quality += QUALITY[kind] * drawn[:, LATENT_DIM]
    return taste, quality


def _vectors(kind: str, index: Int64[np.ndarray, "movies"], seed: int) -> Float64[np.ndarray, "movies dim"]:
    """Give each entity of a kind a standard normal vector, the same in all of the kind's columns.

    Tables are filled row by row: a longer one begins as a shorter one of the same stream.
    """
    table = generator(seed, f"demo/vectors/{kind}").standard_normal((int(index.max()) + 1, LATENT_DIM + 1))
    return table[index]


def _aspects(
    movies: DemoMovies,
) -> Iterator[tuple[str, Int64[np.ndarray, "movies"], Bool[np.ndarray, "movies"]]]:
    """Yield kind, entity and whether the catalogue shows it."""
    known = movies.available
    yield "genre", movies.genre, known["genre_1"]
    for place in range(N_THEMES):
        yield "theme", movies.themes[:, place], known["overview"]
    for place in range(3):
        yield "actor", _person(movies, movies.actors[:, place]), known[f"actor_{place + 1}"]
    yield "director", _person(movies, movies.director), known["director_1"]
    yield "writer", _person(movies, movies.writer), known["writer_1"]
    yield "company", movies.company, known["produced_by_company_1"]
    yield "country", movies.country, known["produced_in_country_1"]
    yield "language", movies.language, known["spoken_language_1"]


def _person(movies: DemoMovies, index: Int64[np.ndarray, "movies"]) -> Int64[np.ndarray, "movies"]:
    """Number people across cultures."""
    return movies.culture * len(index) + index

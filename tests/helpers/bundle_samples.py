"""A small bundle of real raters, over movies whose titles are hard to match."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa

from reelgraph.app.bundle.catalog import MovieCatalog
from reelgraph.app.bundle.format import MOVIES_SCHEMA, VECTOR_NAMES, BundleContents, make_config, write_bundle
from reelgraph.params.model import RaterConfig
from reelgraph.raters.fitting import fit_rater
from reelgraph.raters.rater import MovieInputs, Rater
from tests.helpers.history_strategies import random_histories
from tests.helpers.rater_samples import small_movie_inputs as filter_movies
from tests.helpers.rater_samples import small_rater_params

KNOWN = (
    ("千と千尋の神隠し", "Spirited Away", ["Sen to Chihiro no kamikakushi"], 2001),
    ("The Matrix", "The Matrix", [], 1999),
    ("Il Postino", "The Postman", ["Il Postino"], 1994),
    ("Le fabuleux destin d'Amélie Poulain", "Amelie", ["Le Fabuleux destin d'Amélie Poulain"], 2001),
    ("Heat", "Heat", [], 1995),
    ("Heat", "Heat", [], 1986),
    ("Rocky II", "Rocky II", [], 1979),
    ("L'Atalante", "L'Atalante", [], 1934),
    ("Fast & Furious", "Fast & Furious", [], 2009),
    ("(500) Days of Summer", "(500) Days of Summer", [], 2009),
    ("Star Wars", "Star Wars: Episode IV - A New Hope", ["Star Wars"], 1977),
    ("Solaris", "Solaris", [], 1972),
    ("Solaris", "Solaris", [], 2002),
    ("Twins A", "Same Name", [], 2010),
    ("Twins B", "Same Name", [], 2010),
    ("Undated", "Undated", [], None),
)  # fmt: skip
IDS = {"Heat (1995)": 104, "The Matrix": 101, "Spirited Away": 100}
UNRATED = 3
"""The last movies, which nobody rated."""


@cache
def fit_sample_rater(kind: str) -> tuple[Rater, MovieInputs, RaterConfig]:
    params = small_rater_params(kind)
    movies = filter_movies()
    people = random_histories(3, 30, len(movies.year) - UNRATED, 60)
    rater = fit_rater(params, people, movies, lambda epoch: None).train
    return rater, movies, RaterConfig(model=params.model, gp=params.gp)


def sample_library(count: int) -> MovieCatalog:
    named = [*KNOWN, *((f"Generated {at}", None, [], 1950 + at) for at in range(count))][:count]
    cells: dict[str, object] = {name: [None] * count for name in MOVIES_SCHEMA.names}
    cells |= {
        "movieId": list(range(100, 100 + count)),
        "original_title": [own for own, *_ in named],
        "title": [title for _, title, *_ in named],
        "other_titles": [others for *_, others, _ in named],
        "release_year": [year for *_, year in named],
        "genre_1": [("Crime", "Drama")[at % 2] for at in range(count - 3)] + [None] * 3,
        "actor_1": ["ABC"[at % 3] for at in range(count)],
        "imdb_id": [1000 + at for at in range(count)],
        "tmdb_id": [2000 + at for at in range(count)],
        "ratings": list(range(count)),
        "x": [float(at) for at in range(count)],
        "y": [float(at % 7) for at in range(count)],
    }
    return MovieCatalog(pa.table(cells, schema=MOVIES_SCHEMA))


def sample_contents(folder: Path, kind: str = "gp") -> BundleContents:
    rater, movies, config = fit_sample_rater(kind)
    rater.save(folder / "weights.safetensors")
    vectors = dict(zip(VECTOR_NAMES, (movies.text, movies.vectors), strict=True))
    count = len(movies.year)
    return BundleContents(
        sample_library(count), vectors, make_config(config, count), folder / "weights.safetensors",
        "# Model card\n", {"test": {"rmse": 0.9}},
    )  # fmt: skip


def write_sample_bundle(folder: Path, kind: str = "gp") -> Path:
    """Write a bundle under a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    write_bundle(sample_contents(folder, kind), folder / "bundle")
    return folder / "bundle"


def sample_history(count: int = 12) -> list[tuple[int, float]]:
    draw = np.random.default_rng(5)
    return [(120 + at, float(draw.integers(1, 11)) / 2) for at in range(count)]

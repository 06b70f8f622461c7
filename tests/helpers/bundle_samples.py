"""A small bundle with a fitted rater, and movies whose titles are hard to match."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
from ruamel.yaml import YAML

from reelgraph.app.bundle.catalog import MovieCatalog
from reelgraph.app.bundle.format import (
    MOVIES_SCHEMA,
    VECTOR_NAMES,
    BundleContents,
    make_config,
    read_bundle,
    write_bundle,
)
from reelgraph.params.model import RaterConfig
from reelgraph.rankers.registry import find_ranker, save_ranker
from reelgraph.raters.fitting import fit_rater
from reelgraph.raters.rater import MovieInputs, Rater
from tests.helpers.history_strategies import random_histories
from tests.helpers.ranker_samples import planted_inputs
from tests.helpers.rater_samples import small_movie_inputs, small_rater_params

TITLES = (
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
)
"""Original title, title, alternative titles and year of the first movies."""
N_UNRATED = 3
"""Number of movies without ratings, the last rows."""


@cache
def fit_sample_rater(rater_type: str) -> tuple[Rater, MovieInputs, RaterConfig]:
    params = small_rater_params(rater_type)
    movies = small_movie_inputs()
    histories = random_histories(3, 30, len(movies.year) - N_UNRATED, 60)
    rater = fit_rater(params, histories, movies).train
    return rater, movies, params.config()


def sample_catalog(n_movies: int, **columns: list) -> MovieCatalog:
    """Return a catalogue of the first movies; ``columns`` replace those of this name."""
    rows = range(n_movies)
    generated = [(f"Generated {row}", None, [], 1950 + row) for row in rows]
    titles = [*TITLES, *generated][:n_movies]
    cells: dict[str, object] = {name: [None] * n_movies for name in MOVIES_SCHEMA.names}
    cells |= {
        "movieId": [100 + row for row in rows],
        "original_title": [original_title for original_title, _, _, _ in titles],
        "title": [title for _, title, _, _ in titles],
        "other_titles": [alternatives for _, _, alternatives, _ in titles],
        "release_year": [year for _, _, _, year in titles],
        "runtime_minutes": [80 + row for row in rows],
        "genre_1": [("Crime", "Drama")[row % 2] for row in range(n_movies - 3)] + [None] * 3,
        "actor_1": ["ABC"[row % 3] for row in rows],
        "other_genres": [["Sci-Fi"] if row % 4 == 0 else [] for row in rows],
        "imdb_id": [1000 + row for row in rows],
        "tmdb_id": [2000 + row for row in rows],
        "ratings": list(rows),
        "x": [float(row) for row in rows],
        "y": [float(row % 7) for row in rows],
    }
    return MovieCatalog(pa.table(cells | columns, schema=MOVIES_SCHEMA))


def write_sample_bundle(folder: Path, rater_type: str = "gp") -> Path:
    """Write a bundle into a subfolder of ``folder``; return its path."""
    rater, movies, config = fit_sample_rater(rater_type)
    n_movies = len(movies.year)
    weights = folder / "weights.safetensors"
    folder.mkdir(parents=True, exist_ok=True)
    rater.save(weights)
    contents = BundleContents(
        catalog=sample_catalog(n_movies),
        vectors=dict(zip(VECTOR_NAMES, (movies.text, movies.vectors), strict=True)),
        config=make_config(config, n_movies),
        weights=weights,
        card="# Model card\n",
        results={"test": {"rmse": 0.9}},
    )
    write_bundle(contents, folder / "bundle")
    return folder / "bundle"


def write_planted_bundle(folder: Path) -> Path:
    """Write the sample bundle with a ranker for the tastes of ``planted_inputs``; return its path."""
    contents = read_bundle(write_sample_bundle(folder / "without_ranker"))
    params = find_ranker("blend", YAML(typ="safe").load(Path("params.yaml"))["rankers"]["blend"])
    save_ranker("blend", params.fit(planted_inputs(users=200)), folder / "ranker")
    write_bundle(replace(contents, ranker=folder / "ranker"), folder / "bundle")
    return folder / "bundle"


def sample_history(length: int = 12) -> list[tuple[int, float]]:
    rng = np.random.default_rng(5)
    return [(120 + index, float(rng.integers(1, 11)) / 2) for index in range(length)]

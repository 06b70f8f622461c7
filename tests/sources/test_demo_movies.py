"""The demo's catalogue: contract, names, texts, frequencies and long tails."""

from __future__ import annotations

from pathlib import Path
from string import Formatter

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from ibis.backends import BaseBackend

from reelgraph.core.schemas.tables import CATALOG
from reelgraph.core.table_engine import read_parquet
from reelgraph.runtime.atomic_io import write_parquet
from reelgraph.sources.demo.generate import catalog_table
from reelgraph.sources.demo.movies import MISSING_FRACTIONS, DemoMovies, generate_movies
from reelgraph.sources.demo.names import (
    ACTOR_STRIDE,
    COUNTRIES,
    CREW_STRIDE,
    CULTURES,
    MAX_COMPANIES,
    company_names,
    person_names,
)
from reelgraph.sources.demo.ratings import movie_latent_factors
from reelgraph.sources.demo.text_templates import GENRES, THEMES
from reelgraph.sources.demo.texts import fill_templates

SIZE = 3000


@pytest.fixture(scope="module")
def movies() -> DemoMovies:
    return generate_movies(SIZE, 42)


@pytest.fixture(scope="module")
def catalog(movies: DemoMovies) -> pd.DataFrame:
    return catalog_table(movies, 42).to_pandas()


def test_catalog_table_satisfies_contract(
    movies: DemoMovies, tmp_path: Path, duckdb_engine: BaseBackend
) -> None:
    table = catalog_table(movies, 42)
    assert table.schema == CATALOG.file_schema
    write_parquet(table, tmp_path / "catalog.parquet")
    validated = CATALOG.validate(read_parquet(duckdb_engine, tmp_path / "catalog.parquet"), "demo")
    assert validated.count().to_pyarrow().as_py() == SIZE


@pytest.mark.parametrize("size", [1, 2, 7])
def test_generate_movies_tiny_catalogue(size: int) -> None:
    movies = generate_movies(size, 1)
    assert catalog_table(movies, 1).num_rows == size
    factors, mean = movie_latent_factors(movies, 1)
    assert np.isfinite(factors).all()
    assert np.isfinite(mean).all()


def test_catalog_table_distinct_titles_and_sparse_ids(catalog: pd.DataFrame) -> None:
    assert catalog.original_title.is_unique
    assert catalog.movieId.is_monotonic_increasing
    assert catalog.movieId.max() > 2 * SIZE


def test_catalog_table_missing_fractions_match_latest_small(
    movies: DemoMovies, catalog: pd.DataFrame
) -> None:
    popular = movies.popularity > np.quantile(movies.popularity, 0.9)
    for column, fraction in MISSING_FRACTIONS.items():
        missing = catalog[column].isna()
        assert missing.mean() == pytest.approx(fraction, abs=0.04)
        assert missing[popular].mean() <= missing.mean()


def test_catalog_table_entity_frequencies(catalog: pd.DataFrame) -> None:
    assert catalog.genre_1.nunique() >= 18
    assert catalog.genre_1.value_counts(normalize=True)["Comedy"] == pytest.approx(0.254, abs=0.03)
    assert (catalog.produced_in_country_1.dropna() == "United States of America").mean() > 0.6
    assert (catalog.spoken_language_1.dropna() == "English").mean() > 0.75
    for column in ("actor_1", "director_1"):
        films = catalog[column].value_counts()
        assert 10 <= films.max() <= 90
        assert (films == 1).mean() > 0.4
    written_by_director = catalog.dropna(subset=["writer_1", "director_1"])
    assert (written_by_director.writer_1 == written_by_director.director_1).mean() == pytest.approx(
        0.3, abs=0.05
    )
    assert (catalog.release_year >= 1980).mean() == pytest.approx(0.84, abs=0.03)


def test_generate_overviews_mentions_all_themes(movies: DemoMovies, catalog: pd.DataFrame) -> None:
    rows = np.flatnonzero(catalog.overview.notna())
    for row in rows[:500]:
        for theme in movies.themes[row]:
            assert THEMES[theme].key in catalog.overview[row].lower()


def test_generate_overviews_well_formed_text(catalog: pd.DataFrame) -> None:
    overviews = catalog.overview.dropna()
    assert 40 <= overviews.str.split().str.len().mean() <= 60
    assert overviews.is_unique
    assert overviews.str.match(r"^[A-ZÉÅÁÍÓÚÜÖØÇ].*[.?]$").all()
    assert not overviews.str.contains(r"[{}]|  | ,| \.|[.?] [a-z]").any()


def test_generate_overviews_mentions_actors(catalog: pd.DataFrame) -> None:
    complete = catalog.dropna(subset=["overview", "actor_1"])
    mentioned = [actor in text for actor, text in zip(complete.actor_1, complete.overview, strict=True)]
    assert 0.1 < np.mean(mentioned) < 0.6


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.key)
def test_themes_phrases_contain_key(theme) -> None:
    for phrase in (theme.subject, theme.goal, theme.event):
        assert theme.key in phrase
    codes = {g.name.replace(" ", "")[:4] for g in GENRES}
    assert set(theme.genres.split()) <= codes


def test_genres_and_countries_fractions_sum_to_one() -> None:
    assert sum(g.fraction for g in GENRES) == pytest.approx(1, abs=0.01)
    assert sum(c.fraction for c in COUNTRIES) == pytest.approx(1, abs=0.01)
    assert all(list(Formatter().parse(text)) for g in GENRES for text in g.taglines + g.closings)


@pytest.mark.parametrize("stride", [ACTOR_STRIDE, CREW_STRIDE])
def test_person_names_distinct(stride: int) -> None:
    culture = np.repeat(np.arange(len(CULTURES)), 12_000)
    index = np.tile(np.arange(12_000), len(CULTURES))
    assert len(person_names(culture, index, stride).unique()) == len(index)


def test_company_names_distinct() -> None:
    assert len(company_names(np.arange(MAX_COMPANIES)).unique()) == MAX_COMPANIES


def test_fill_templates_uses_texts_of_the_row() -> None:
    slots = {"a": pa.array(["x", "y", "z"]), "b": pa.array(["1", "2", "3"])}
    texts = fill_templates(("", "{a}-{b}", "only {b}!"), np.array([2, 1, 0]), slots)
    assert texts.to_pylist() == ["only 1!", "y-2", ""]


def test_movie_latent_factors_depend_on_available_columns(movies: DemoMovies) -> None:
    """Without any column, the factors are almost uncorrelated with those from all columns."""
    all_columns = {name: np.ones(SIZE, bool) for name in movies.available}
    no_columns = {name: np.zeros(SIZE, bool) for name in movies.available}
    full, _ = movie_latent_factors(DemoMovies(**{**vars(movies), "available": all_columns}), 42)
    unexplained, _ = movie_latent_factors(DemoMovies(**{**vars(movies), "available": no_columns}), 42)
    r_squared = np.corrcoef(full.ravel(), unexplained.ravel())[0, 1] ** 2
    assert r_squared < 0.1

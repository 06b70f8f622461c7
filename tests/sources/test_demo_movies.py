"""The demo's catalogue: contract, names, texts that follow the themes, shares and tails."""

from __future__ import annotations

from pathlib import Path
from string import Formatter

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from ibis.backends import BaseBackend

from reelgraph.core.table_engine import read_parquet
from reelgraph.runtime.atomic_io import write_parquet
from reelgraph.schemas.tables import CATALOG
from reelgraph.sources.demo.generate import catalog_table
from reelgraph.sources.demo.latent_factors import movie_latent_factors
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
from reelgraph.sources.demo.text_templates import GENRES, THEMES
from reelgraph.sources.demo.texts import fill_templates

SIZE = 3000


@pytest.fixture(scope="module")
def movies() -> DemoMovies:
    return generate_movies(SIZE, 42)


@pytest.fixture(scope="module")
def catalog(movies: DemoMovies) -> pd.DataFrame:
    return catalog_table(movies, 42).to_pandas()


def test_keeps_the_contract(movies: DemoMovies, tmp_path: Path, duckdb_engine: BaseBackend) -> None:
    table = catalog_table(movies, 42)
    assert table.schema == CATALOG.file_schema
    write_parquet(table, tmp_path / "catalog.parquet")
    checked = CATALOG.validate(read_parquet(duckdb_engine, tmp_path / "catalog.parquet"), "demo")
    assert checked.count().to_pyarrow().as_py() == SIZE


@pytest.mark.parametrize("size", [1, 2, 7])
def test_tiny_catalogues(size: int) -> None:
    movies = generate_movies(size, 1)
    assert catalog_table(movies, 1).num_rows == size
    factors, mean = movie_latent_factors(movies, 1)
    assert np.isfinite(factors).all()
    assert np.isfinite(mean).all()


def test_titles_are_distinct_and_ids_have_gaps(catalog: pd.DataFrame) -> None:
    assert catalog.original_title.is_unique
    assert catalog.movieId.is_monotonic_increasing
    assert catalog.movieId.max() > 2 * SIZE


def test_fields_are_missing_as_in_latest_small(movies: DemoMovies, catalog: pd.DataFrame) -> None:
    popular = movies.popularity > np.quantile(movies.popularity, 0.9)
    for column, share in MISSING_FRACTIONS.items():
        missing = catalog[column].isna()
        assert missing.mean() == pytest.approx(share, abs=0.04)
        assert missing[popular].mean() <= missing.mean()


def test_shares_and_tails_of_entities(catalog: pd.DataFrame) -> None:
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


def test_overviews_tell_of_all_themes(movies: DemoMovies, catalog: pd.DataFrame) -> None:
    rows = np.flatnonzero(catalog.overview.notna())
    for row in rows[:500]:
        for theme in movies.themes[row]:
            assert THEMES[theme].key in catalog.overview[row].lower()


def test_overviews_read_as_text(catalog: pd.DataFrame) -> None:
    overviews = catalog.overview.dropna()
    assert 40 <= overviews.str.split().str.len().mean() <= 60
    assert overviews.is_unique
    assert overviews.str.match(r"^[A-ZÉÅÁÍÓÚÜÖØÇ].*[.?]$").all()
    assert not overviews.str.contains(r"[{}]|  | ,| \.|[.?] [a-z]").any()


def test_overviews_name_people(catalog: pd.DataFrame) -> None:
    whole = catalog.dropna(subset=["overview", "actor_1"])
    named = [actor in text for actor, text in zip(whole.actor_1, whole.overview, strict=True)]
    assert 0.1 < np.mean(named) < 0.6


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.key)
def test_phrases_hold_the_key(theme) -> None:
    for phrase in (theme.thing, theme.goal, theme.event):
        assert theme.key in phrase
    codes = {g.name.replace(" ", "")[:4] for g in GENRES}
    assert set(theme.genres.split()) <= codes


def test_shares_sum_to_one() -> None:
    assert sum(g.share for g in GENRES) == pytest.approx(1, abs=0.01)
    assert sum(c.share for c in COUNTRIES) == pytest.approx(1, abs=0.01)
    assert all(list(Formatter().parse(text)) for g in GENRES for text in g.tags + g.ends)


@pytest.mark.parametrize("step", [ACTOR_STRIDE, CREW_STRIDE])
def test_different_people_have_different_names(step: int) -> None:
    culture = np.repeat(np.arange(len(CULTURES)), 12_000)
    index = np.tile(np.arange(12_000), len(CULTURES))
    assert len(person_names(culture, index, step).unique()) == len(index)


def test_different_companies_have_different_names() -> None:
    assert len(company_names(np.arange(MAX_COMPANIES)).unique()) == MAX_COMPANIES


def test_written_fills_each_row_with_its_own_words() -> None:
    slots = {"a": pa.array(["x", "y", "z"]), "b": pa.array(["1", "2", "3"])}
    texts = fill_templates(("", "{a}-{b}", "only {b}!"), np.array([2, 1, 0]), slots)
    assert texts.to_pylist() == ["only 1!", "y-2", ""]


def test_factors_follow_from_what_the_catalogue_shows(movies: DemoMovies) -> None:
    """Hiding a field changes the factors of just the movies that lose it, up to centring and scale."""
    everything = {name: np.ones(SIZE, bool) for name in movies.available}
    nothing = {name: np.zeros(SIZE, bool) for name in movies.available}
    full, _ = movie_latent_factors(DemoMovies(**{**vars(movies), "known": everything}), 42)
    bare, _ = movie_latent_factors(DemoMovies(**{**vars(movies), "known": nothing}), 42)
    own = np.corrcoef(full.ravel(), bare.ravel())[0, 1] ** 2
    assert own < 0.1

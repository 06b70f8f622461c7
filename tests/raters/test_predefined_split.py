"""A published split on real ratings: MovieLens latest-small, laid out as ML-100K's u1.base and u1.test are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from reelgraph.core.metrics import rmse
from reelgraph.core.schemas.kg import KnowledgeGraph, Relation
from reelgraph.core.schemas.tables import open_catalog, open_ratings
from reelgraph.core.table_engine import connect
from reelgraph.params.base import load
from reelgraph.params.model import TrainRaterParams
from reelgraph.params.sequences import MakeSequencesParams
from reelgraph.raters.fitting import fit_rater
from reelgraph.raters.rater import MovieInputs
from reelgraph.runtime.atomic_io import write_parquet
from reelgraph.sequences.build import build_histories
from reelgraph.sequences.dataset import UserHistories, star_ratings
from reelgraph.sources.filtering import filter_movies
from reelgraph.sources.movielens_files import GENRES_100K
from stages import ingest
from tests.contracts.test_baselines import PARAMS, predicted
from tests.helpers.source_files import ingest_params, write_files

USERS = 150


def fold(real: Path, folder: Path) -> Path:
    """Write a random 80/20 fold of some users' ratings, and the movies, in 100K's layout."""
    ratings = pd.read_csv(real / "ml-latest-small/ratings.csv").query("userId <= @USERS")
    movies = pd.read_csv(real / "ml-latest-small/movies.csv").sort_values("movieId")
    test = np.random.default_rng(1).random(len(ratings)) < 0.2
    flags = ["|".join("01"[g in genres.split("|")] for g in GENRES_100K) for genres in movies.genres]
    items = zip(movies.movieId, movies.title, flags, strict=True)
    parts = {"u.data": ratings, "u1.base": ratings[~test], "u1.test": ratings[test]}
    files = {name: part.to_csv(sep="\t", header=False, index=False) for name, part in parts.items()}
    return write_files(
        folder, files | {"u.item": "".join(f"{i}|{title}||||{flag}\n" for i, title, flag in items)}
    )


def made() -> tuple[UserHistories, MovieInputs]:
    """Histories of what ingest wrote, and movies of which their genre and year are known."""
    sequence_params = load(MakeSequencesParams)
    connection = connect(sequence_params.engine)
    filtered = filter_movies(connection, Path("data/catalog.parquet"), Path("data/ratings.parquet"))
    write_parquet(filtered.movies, "data/movies.parquet")
    read = (
        open_ratings(connection, "data/ratings.parquet"),
        open_catalog(connection, "data/movies.parquet"),
    )
    table = filtered.movies.to_pandas()
    genre, names = pd.factorize(table.genre_1, sort=True)
    rows_with_genre = np.flatnonzero(genre >= 0)
    relation = Relation(
        tuple(names), np.ones((len(names), 3), np.float32), rows_with_genre, genre[rows_with_genre]
    )
    graph = KnowledgeGraph(table.movieId.to_numpy(), {"genre": relation})
    vectors = np.random.default_rng(0).normal(size=(len(table), 8)).astype(np.float32)
    movies = MovieInputs(vectors, vectors, graph, table.release_year.to_numpy(np.float64, na_value=np.nan))
    return build_histories(*read, sequence_params.sequences.model_copy(update={"split": "given"})), movies


def test_rater_and_baselines_beat_the_user_mean(
    real_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = fold(real_data, tmp_path / "ml")
    settings = load(TrainRaterParams, Path("params.yaml").absolute()).model_dump()
    settings["gp"] |= {"epochs": 3, "head_epochs": 2, "context_length": 48}
    (tmp_path / "params.yaml").write_bytes(Path("params.yaml").read_bytes())
    monkeypatch.chdir(tmp_path)
    ingest.main(ingest_params("movielens", movielens=str(folder), base="u1.base", test="u1.test"))
    people, movies = made()
    ratings = pq.read_table("data/ratings.parquet").to_pandas()
    assert len(people.test) == ratings.test.sum() == len((folder / "u1.test").read_text().splitlines())
    assert (people.history_cap - people.offsets[:-1]).sum() == (~ratings.test).sum()
    actual = star_ratings(people, people.test)
    off = {name: rmse(actual, predicted(name, people, people.test)) for name in PARAMS}
    fitted = fit_rater(TrainRaterParams.model_validate(settings), people, movies)
    rater = rmse(actual, fitted.train.predict(people, people.fit_end("train"), people.test).stars)
    assert off["bias"] < off["user_mean"] - 0.02
    assert off["bias_recent"] < off["user_mean"] - 0.02
    assert rater < min(off.values())

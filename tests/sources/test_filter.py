from __future__ import annotations

import json

import pyarrow.parquet as pq
import pytest

from reelgraph.params.data import Engine, FilterParams
from reelgraph.runtime.errors import ArtifactError, InputError
from stages import filter as stage
from stages import ingest
from tests.helpers.source_files import catalog_table, ingest_params, ratings_table, write_table

DUCKDB = FilterParams(engine=Engine(backend="duckdb", url="local[2]", memory_mb=500))


def run_ingest(tmp_path, rows, backend="duckdb"):
    movies = catalog_table(movieId=[30, 10, 20], original_title=["C", "A", "B"], overview=["c", None, "b\0b"])
    paths = {"catalog": write_table(movies, tmp_path / "c.parquet"),
              "ratings": write_table(ratings_table(rows), tmp_path / "r.parquet")}  # fmt: skip
    ingest.main(ingest_params("tables", backend, **paths))


ROWS = [(2, 30, 4.0, 50), (1, 10, 0.5, 70), (1, 99, 5.0, 70), (3, 99, 1.0, 1)]


def test_filter_movies_keeps_rated_movies_in_order(tmp_path, project):
    run_ingest(tmp_path, ROWS)
    summary = stage.main(DUCKDB)
    assert pq.read_table("data/movies.parquet")["movieId"].to_pylist() == [10, 30]
    counts = json.loads((project / "data/counts/filter.json").read_text())
    stars = dict.fromkeys(("0_5", "1_0", "1_5", "2_0", "2_5", "3_0", "3_5", "4_0", "4_5", "5_0"), 0)
    assert counts == {
        "movies_before": 3, "movies_after": 2, "ratings_before": 4, "ratings_after": 2, "users": 2,
        "ratings_by_star": stars | {"0_5": 1, "4_0": 1},
        "dropped": {"ratings_outside_catalog": 2, "movies_unrated": 1},
    }  # fmt: skip
    assert summary.startswith("2 movies, 2 ratings, 2 users (dropped: 1 movies")


def test_filter_movies_without_rated_movie_raises(tmp_path, project):
    run_ingest(tmp_path, [(1, 98, 3.0, 1), (1, 99, 3.0, 1)])
    with pytest.raises(
        InputError, match=r"ratings.parquet.* none: 2 ratings, all of other movies.*same movieIds"
    ):
        stage.main(DUCKDB)
    assert not (project / "data/movies.parquet").exists()
    assert not (project / "data/counts/filter.json").exists()


def test_filter_movies_invalid_artifacts_raise(tmp_path, project):
    with pytest.raises(ArtifactError, match=r"catalog.parquet.*no file.*dvc repro"):
        stage.main(DUCKDB)
    run_ingest(tmp_path, ROWS)
    write_table(ratings_table(ROWS).drop_columns("rating"), project / "data/ratings.parquet")
    with pytest.raises(ArtifactError, match=r"ratings.parquet.*expected the columns userId \(int64\)"):
        stage.main(DUCKDB)

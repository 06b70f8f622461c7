"""Data that are well-formed and strange, through the stages from ingest to evaluate."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reelgraph.app.bundle.from_pipeline import add_source_ids
from reelgraph.core.schemas.tables import CATALOG
from reelgraph.core.schemas.vectors import read_vectors, write_vectors
from tests.helpers.source_files import catalog_table, ratings_table
from tests.helpers.stage_cases import Case, run_case, write_params

REST = (
    "filter", "build_kg", "project", "train_gnn", "make_sequences", "baselines", "train_ranker",
    "train_rater", "evaluate",
)  # fmt: skip

Rows = list[tuple[int, int, float, int]]


def crowd(
    users: int = 12,
    movies: int = 30,
    ratings_per_user: int = 16,
    time: Callable[[int], int] = lambda i: 60 * i,
) -> Rows:
    draw = np.random.default_rng(0)
    return [
        (user, int(movie) + 1, draw.integers(1, 11) / 2, time(position))
        for user in range(1, users + 1)
        for position, movie in enumerate(draw.choice(movies, ratings_per_user, replace=False))
    ]


def people(movies: int = 30, **columns: list) -> pa.Table:
    movie_columns = {
        "genre_1": [f"genre {i % 3}" for i in range(movies)],
        "actor_1": [f"actor {i % 9}" for i in range(movies)],
    }
    return catalog_table(movieId=list(range(1, movies + 1)), **(movie_columns | columns))


def tables(folder: Path) -> dict[str, str]:
    """Return the section ``data`` that reads the tables in a folder."""
    return {"source": "tables", "catalog": str(folder / "c.parquet"), "ratings": str(folder / "r.parquet")}


def run(
    folder: Path, rated: Rows | pa.Table, movies: pa.Table, until: str = "evaluate", **params: object
) -> dict:
    """Go through the stages until one refuses or the last has ended; return what the last one said."""
    pq.write_table(rated if isinstance(rated, pa.Table) else ratings_table(rated), folder / "r.parquet")
    pq.write_table(movies, folder / "c.parquet")
    write_params(folder, {"data": tables(folder), **params})
    for stage in ("ingest", *REST):
        if stage == "project":
            ids = pq.read_table(folder / "data/movies.parquet")["movieId"].to_numpy()
            vectors = np.random.default_rng(0).normal(size=(len(ids), 384)).astype(np.float32)
            write_vectors(ids, vectors, folder / "data/text_vectors.parquet")
            (folder / "data/links").mkdir()
            (folder / "data/links/chosen.json").write_text('{"epochs": 1}')
        result = run_case(Case(stage, lambda folder: None), folder)
        if result["exit"] or stage == until:
            return {"stage": stage, **result}
    raise AssertionError(until)


def well(result: dict) -> None:
    assert result["exit"] == 0, result
    assert result["output"].startswith("evaluate: test RMSE ")


RATERS: tuple[dict[str, dict], ...] = (
    {"model": {"type": "attention", "hidden_dim": 8}},
    {
        "model": {"type": "gp", "hidden_dim": 8},
        "gp": {"epochs": 1, "head_epochs": 1, "context_length": 16, "cooccurrence_dim": 4},
    },
)

FAR = {1: 2**63 - 1, 2: -(2**63)}

NAMES = ["Zoe\u0308", "Zo\u00eb", "🎬", "\u202eسینما", "שלום", "Z" + "\u0301" * 50, "<b>", "a\0b", "'; --", "💥"] * 3  # fmt: skip

ACCEPTED = {
    "times all equal": (crowd(time=lambda i: 7), people(), {}),
    "one user": (crowd(users=1), people(), {}),
    "ratings all equal": ([(u, m, 3.5, t) for u, m, _, t in crowd()], people(), {}),
    "cold movies": (crowd(), people(), {"sequences": {"split": "cold_movies"}}),
    "movies without any entity but one": (crowd(), people(genre_1=["Drama"] + [None] * 29, actor_1=[None] * 30), {}),
    "a catalogue without one relation and names of all scripts": (
        crowd(), people(actor_1=NAMES, overview=NAMES).set_column(9, "genre_1", pa.nulls(30, pa.string())), {}),
    "ids at the ends of 64 bits": (
        [(u - 2**62, FAR.get(m, m), s, t) for u, m, s, t in crowd()],
        people().set_column(0, "movieId", [pa.array([FAR.get(i, i) for i in range(1, 31)])]), {}),
}  # fmt: skip


@pytest.mark.parametrize("name", ACCEPTED)
def test_accepted(name: str, tmp_path: Path) -> None:
    rows, movies, params = ACCEPTED[name]
    result = run(tmp_path, rows, movies, until="train_ranker", **params)
    assert result["exit"] == 0, result
    for rater in RATERS:
        write_params(tmp_path, {"data": tables(tmp_path), **params, **rater})
        for stage in ("train_rater", "evaluate"):
            result = run_case(Case(stage, lambda folder: None), tmp_path)
        well(result)


def test_ids_as_text_are_in_the_predictions(tmp_path: Path) -> None:
    rows = crowd()
    users, movies, stars, times = zip(*rows, strict=True)
    rated = pa.table({"userId": [f"u{u}" for u in users], "movieId": [f"m{m}" for m in movies], "rating": stars,
                      "timestamp": times})  # fmt: skip
    well(run(tmp_path, rated, people().set_column(0, "movieId", [[f"m{i}" for i in range(1, 31)]])))
    predictions = pq.read_table(tmp_path / "data/predictions.parquet").to_pylist()
    last = {u: (m, s) for u, m, s, _ in rows}
    assert {row["sourceUserId"]: (row["sourceMovieId"], row["rating"]) for row in predictions} == {
        f"u{u}": (f"m{m}", s) for u, (m, s) in last.items()
    }
    assert predictions[1]["sourceUserId"] == "u10"
    examples = json.loads((tmp_path / "data/examples.json").read_text(encoding="utf-8"))
    assert {example["user"] for example in examples["spread"]} <= {f"u{u}" for u in users}
    table = add_source_ids(pa.table({"movieId": range(1, 31)}), tmp_path / "data/movies.parquet")
    assert table["source_movie_id"].to_pylist() == sorted({f"m{m}" for m in movies})


def test_a_hub_of_70_000_edges(tmp_path: Path) -> None:
    count = 70_000  # more than 16 bits count
    rows = crowd(movies=count)
    everyone = pa.concat_tables([ratings_table(rows), pa.table({
        "userId": np.full(count, 99), "movieId": np.arange(1, count + 1), "rating": np.full(count, 3.0),
        "timestamp": np.arange(count)})])  # fmt: skip
    movies = pa.table({f.name: pa.array(np.arange(1, count + 1)) if f.name == "movieId"
                       else pa.repeat(pa.scalar("English"), count) if f.name == "spoken_language_1"
                       else pa.nulls(count, f.type) for f in CATALOG.file_schema})  # fmt: skip
    result = run(tmp_path, everyone, movies, until="train_gnn")
    assert result["exit"] == 0, result
    assert np.isfinite(read_vectors(tmp_path / "data/emb_kg_gnn_bert.parquet")[1]).all()
    # The same person has rated 70,000 movies.
    for stage in ("make_sequences", "baselines", "train_rater"):
        result = run_case(Case(stage, lambda folder: None), tmp_path)
        assert result["exit"] == 0, result


def test_isolated_movies_get_finite_vectors(tmp_path: Path) -> None:
    only_genre = {"genre_1": ["Drama"] * 20 + [None] * 10, "actor_1": [None] * 30}
    run(tmp_path, crowd(), people(**only_genre), until="train_gnn")
    assert np.isfinite(read_vectors(tmp_path / "data/emb_kg_gnn_bert.parquet")[1]).all()


REFUSED = {
    "one user, one movie": (crowd()[:1], people(tagline=["again and again and again"] * 30), {}, "make_sequences",
                            "expected a user with 13 ratings or more, got at most"),
    "nobody has enough ratings": (crowd(ratings_per_user=5), people(), {}, "make_sequences",
                                  "expected a user with 13 ratings or more, got at most"),
    "empty after filtering": ([(u, m + 1000, s, t) for u, m, s, t in crowd()], people(), {}, "filter",
                              "expected ratings of movies in the catalogue, got none"),
    "no relation at all": (crowd(), people(genre_1=[None] * 30, actor_1=[None] * 30), {}, "build_kg",
                           "expected a movie with an actor, a genre or another entity, got none"),
    "a cut in time behind everything": (crowd(time=lambda i: 7), people(), {"sequences": {"split": "global_time"}},
                                        "make_sequences", "expected "),
    "words that never occur twice": (crowd()[:1], people(), {}, "build_kg",
                                     "kg.fasttext train: expected a catalogue with words that occur twice"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str, tmp_path: Path) -> None:
    rows, movies, params, stage, message = REFUSED[name]
    result = run(tmp_path, rows, movies, **params)
    assert result["stage"] == stage, result
    assert result["exit"] == 1, result
    assert message in result["output"]
    assert result["new"] == []

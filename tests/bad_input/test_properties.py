"""Properties of filter, graph, sequences and metrics, on drawn tables."""

from __future__ import annotations

import math
from dataclasses import fields
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reelgraph.core.metrics import mae, mse, rmse
from reelgraph.core.schemas.kg import read_kg, write_kg
from reelgraph.core.schemas.movies import read_movies
from reelgraph.core.schemas.tables import CATALOG, RATINGS, open_catalog, open_ratings
from reelgraph.graph.entities import extract_entities_and_edges
from reelgraph.params.sequences import Sequences
from reelgraph.runtime.atomic_io import write_parquet
from reelgraph.runtime.errors import InputError
from reelgraph.sequences.build import build_histories, summary_statistics
from reelgraph.sequences.dataset import UserHistories
from reelgraph.sequences.validation import validate_arrays
from reelgraph.sources.filtering import filter_movies
from tests.helpers.history_strategies import SPLITS

PAIRS = st.dictionaries(
    st.tuples(st.integers(-3, 6), st.integers(1, 40)),
    st.tuples(st.integers(1, 10), st.integers(0, 50), st.booleans()),
    min_size=1,
    max_size=150,
)
"""(user, movie) → half stars, time, whether it tests."""

NAMES = st.sampled_from([None, "A", "B", " A", "A  B", "a", "Zoë", "🎬", "C D"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tables")


@pytest.fixture(scope="module")
def engine():
    from reelgraph.core.table_engine import connect
    from reelgraph.params.data import Engine

    return connect(Engine(backend="duckdb", url="local[2]", memory_mb=500))


def write_ratings(ratings: dict, path: Path, parted: bool = False) -> None:
    rows = sorted((u, t, m, code / 2, test) for (u, m), (code, t, test) in ratings.items())
    columns = [[r[0] for r in rows], [r[2] for r in rows], [r[3] for r in rows], [r[1] for r in rows]]
    schema = RATINGS.with_optional(("test",) if parted else ()).file_schema
    write_parquet(pa.table([*columns, *([[r[4] for r in rows]] if parted else [])], schema=schema), path)


def write_catalog(ids: list[int], path: Path, **columns: list) -> None:
    table = {f.name: pa.array(columns.get(f.name, [None] * len(ids)), f.type) for f in CATALOG.file_schema}
    write_parquet(pa.table({**table, "movieId": pa.array(ids, pa.int64())}), path)


@settings(max_examples=15)
@given(ratings=PAIRS, ids=st.sets(st.integers(1, 60), min_size=1))
def test_filter_keeps_the_rated_movies_and_counts_the_rest(
    engine, folder: Path, ratings: dict, ids: set[int]
) -> None:
    write_ratings(ratings, folder / "r.parquet")
    write_catalog(sorted(ids), folder / "c.parquet")
    rated = {movie for _, movie in ratings}
    inside = [pair for pair in ratings if pair[1] in ids]
    if not inside:
        with pytest.raises(InputError, match="ratings of movies in the catalogue"):
            filter_movies(engine, folder / "c.parquet", folder / "r.parquet")
        return
    filtered = filter_movies(engine, folder / "c.parquet", folder / "r.parquet")
    assert filtered.movies["movieId"].to_pylist() == sorted(ids & rated)
    by_star = filtered.counts.pop("ratings_by_star")
    assert filtered.counts == {
        "movies_before": len(ids), "movies_after": len(ids & rated), "ratings_before": len(ratings),
        "ratings_after": len(inside), "users": len({user for user, _ in inside}),
        "dropped": {"ratings_outside_catalog": len(ratings) - len(inside), "movies_unrated": len(ids - rated)},
    }  # fmt: skip
    assert isinstance(by_star, dict)
    assert sum(by_star.values()) == len(inside)


@settings(max_examples=15)
@given(
    ratings=PAIRS,
    split=st.sampled_from(SPLITS),
    numbers=st.fixed_dictionaries({
        "min_history": st.integers(0, 6), "train_targets": st.integers(0, 4), "n_test": st.integers(1, 3),
        "val_fraction": st.floats(0.05, 0.4), "test_fraction": st.floats(0.05, 0.4), "sample_users": st.integers(0, 4),
    }),
)  # fmt: skip
def test_sequences_keep_their_contract_whatever_the_ratings(
    engine, folder: Path, ratings: dict, split: str, numbers: dict
) -> None:
    write_ratings(ratings, folder / "s.parquet", parted=split == "given")
    write_catalog(list(range(1, 31)), folder / "m.parquet")
    params = Sequences(split=split, sample_seed=1, movie_seed=1, **numbers)  # type: ignore[arg-type]
    try:
        made = build_histories(
            open_ratings(engine, folder / "s.parquet"), open_catalog(engine, folder / "m.parquet"), params
        )
    except InputError:
        return
    validate_arrays({f.name: getattr(made, f.name) for f in fields(UserHistories)}, "drawn", 30)
    in_catalog = [pair for pair in ratings if pair[1] <= 30]
    if not numbers["sample_users"]:
        assert len(made.half_star_code) == len(in_catalog)
    statistics = summary_statistics(made)
    assert statistics["ratings"] == len(made.half_star_code)
    for target in (*made.train, *made.val, *made.test):
        index = np.array([target])
        user = made.users_of(index)[0]
        assert made.offsets[user] <= made.history_end(index)[0] <= made.history_cap[user]


@given(rows=st.lists(st.tuples(*[NAMES] * 4), min_size=1, max_size=12))
def test_a_graph_comes_back_as_it_was_made(folder: Path, engine, rows: list[tuple]) -> None:
    ids = list(range(10, 10 + len(rows)))
    named = ("actor_1", "actor_2", "genre_1", "director_1")
    write_catalog(ids, folder / "g.parquet", **{n: [row[i] for row in rows] for i, n in enumerate(named)})
    movies = read_movies(folder / "g.parquet")
    entities, edges = extract_entities_and_edges(movies)
    if not edges.num_rows:
        return
    vectors = np.arange(2 * len(entities), dtype=np.float32).reshape(-1, 2)
    write_kg(np.array(ids), entities, edges, vectors, folder / "kg")
    graph = read_kg(folder / "kg")
    assert sorted(graph.entity_names()) == sorted(entities["name"].to_pylist())
    for kind, columns in {"actor": (0, 1), "genre": (2,), "director": (3,)}.items():
        expected = {(i, " ".join(row[c].split())) for i, row in enumerate(rows) for c in columns if row[c]}
        relation = graph.relations.get(kind)
        pairs = zip(relation.movie_rows, relation.entity_index, strict=True) if relation else ()
        assert {(int(i), relation.entity_names[e]) for i, e in pairs} == expected


STARS = st.lists(st.tuples(st.floats(0.5, 5), st.floats(0.5, 5)), min_size=1, max_size=50)


@given(pairs=STARS)
def test_errors_against_a_plain_restatement(pairs: list[tuple[float, float]]) -> None:
    actual, predicted = (np.array(side) for side in zip(*pairs, strict=True))
    assert mse(actual, predicted) == pytest.approx(math.fsum((a - b) ** 2 for a, b in pairs) / len(pairs))
    assert mae(actual, predicted) == pytest.approx(math.fsum(abs(a - b) for a, b in pairs) / len(pairs))
    assert rmse(actual, predicted) == pytest.approx(math.sqrt(mse(actual, predicted)))
    assert 0 <= mae(actual, predicted) <= rmse(actual, predicted) + 1e-12 <= 4.5 + 1e-9
    assert rmse(actual, actual) == 0
    assert rmse(actual[::-1], predicted[::-1]) == pytest.approx(rmse(actual, predicted))

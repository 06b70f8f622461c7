from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from reelgraph.core import table_engine
from reelgraph.params.sequences import Sequences
from reelgraph.runtime.errors import InputError
from reelgraph.sequences import ordering
from reelgraph.sequences.build import build_histories, summary_statistics, warn_of_ties
from reelgraph.sequences.dataset import UserHistories, read_histories, write_histories
from tests.helpers.history_strategies import SPLITS

PARAMS = Sequences(
    split="leave_last_out", min_history=3, train_targets=2, n_test=1, val_fraction=0.2, test_fraction=0.2,
    movie_seed=42, sample_users=0, sample_seed=42,
)  # fmt: skip


def of_split(split: str) -> Sequences:
    return PARAMS.model_copy(update={"split": split})


def with_parts(ratings: pd.DataFrame) -> pd.DataFrame:
    """Mark every fourth rating as a test rating; let the movies begin at six times."""
    begin = ratings.movie_id // 100 * 100
    return ratings.assign(test=np.arange(len(ratings)) % 4 == 0, timestamp=ratings.timestamp + begin)


def tables(seed: int = 0, users: int = 30, movies: int = 25) -> tuple[pd.DataFrame, pd.DataFrame]:
    draw = np.random.default_rng(seed)
    movie = pd.DataFrame({"movie_id": np.sort(draw.choice(500, movies, replace=False))})
    rows = [
        pd.DataFrame(
            {
                "user_id": 7 * user,
                "movie_id": draw.choice(movie.movie_id, size := int(draw.integers(6, movies)), replace=False),
                "rating": draw.integers(1, 11, size) / 2,
                "timestamp": draw.integers(0, 5, size) * 100,
            }
        )
        for user in range(users)
    ]
    outside = pd.DataFrame(
        {"user_id": [0, 7], "movie_id": [9001, 9002], "rating": [1.0, 2.0], "timestamp": 5}
    )
    return pd.concat([*rows, outside], ignore_index=True), movie


def make(ratings: pd.DataFrame, movies: pd.DataFrame, params: Sequences = PARAMS):
    arrow = [pa.Table.from_pandas(table, preserve_index=False) for table in (ratings, movies)]
    return build_histories(*map(ibis.memtable, arrow), params)


def test_build_histories_equals_a_pandas_version() -> None:
    ratings, movies = tables()
    made = make(ratings, movies)
    plain = ratings[ratings.movie_id.isin(movies.movie_id)].sort_values(["user_id", "timestamp", "movie_id"])
    row = {movie: position for position, movie in enumerate(sorted(movies.movie_id))}
    assert made.movie_row.tolist() == [row[m] for m in plain.movie_id]
    assert made.half_star_code.tolist() == [round(r * 2) for r in plain.rating]
    assert made.timestamp.tolist() == plain.timestamp.tolist()
    assert made.user_id.tolist() == sorted(set(plain.user_id))
    assert np.diff(made.offsets).tolist() == plain.groupby("user_id").size().tolist()


@pytest.mark.parametrize("split", SPLITS)
def test_build_histories_ignores_the_order_of_rows(tmp_path: Path, split: str) -> None:
    ratings, movies = tables()
    ratings, params = with_parts(ratings), of_split(split)
    write_histories(make(ratings, movies, params), tmp_path / "a")
    shuffled = make(ratings.sample(frac=1, random_state=1), movies.sample(frac=1, random_state=2), params)
    write_histories(shuffled, tmp_path / "b")
    for file in sorted((tmp_path / "a").iterdir()):
        assert file.read_bytes() == (tmp_path / "b" / file.name).read_bytes()


def test_build_histories_puts_predefined_test_rows_last() -> None:
    ratings, movies = tables()
    ratings = with_parts(ratings)
    made = make(ratings, movies, of_split("given"))
    plain = ratings[ratings.movie_id.isin(movies.movie_id)]
    plain = plain.sort_values(["user_id", "test", "timestamp", "movie_id"], ignore_index=True)
    assert made.half_star_code.tolist() == [round(r * 2) for r in plain.rating]
    assert made.test.tolist() == plain.index[plain.test].tolist()
    trained = plain[~plain.test].groupby("user_id").size()
    assert (made.history_cap - made.offsets[:-1]).tolist() == trained.tolist()


def test_build_histories_puts_the_rows_of_cold_movies_last() -> None:
    ratings, movies = tables()
    made = make(ratings, movies, of_split("cold_movies"))
    assert len(made.val_movies) == len(made.test_movies) == 5
    part = np.isin(made.movie_row, made.val_movies) + 2 * np.isin(made.movie_row, made.test_movies)
    user = made.users_of(np.arange(len(part)))
    movie_id = np.sort(movies.movie_id.to_numpy())[made.movie_row]
    order = np.lexsort((movie_id, made.timestamp, part, user))
    assert order.tolist() == list(range(len(order)))
    other = make(ratings, movies, of_split("cold_movies").model_copy(update={"movie_seed": 1}))
    assert other.test_movies.tolist() != made.test_movies.tolist()


def test_build_histories_requires_a_column_test_for_predefined() -> None:
    with pytest.raises(
        InputError, match=r"a column test, as sequences.split is given, got none. Set data.base"
    ):
        make(*tables(), of_split("given"))


def test_build_histories_samples_users() -> None:
    ratings, movies = tables()
    made = make(ratings, movies, PARAMS.model_copy(update={"sample_users": 8}))
    assert len(made.user_id) == 8
    assert set(made.user_id) <= set(ratings.user_id)
    resampled = make(ratings, movies, PARAMS.model_copy(update={"sample_users": 8, "sample_seed": 1}))
    assert made.user_id.tolist() != resampled.user_id.tolist()
    everybody = make(ratings, movies, PARAMS.model_copy(update={"sample_users": 31}))
    assert len(everybody.user_id) == 30


def test_summary_statistics_after_a_round_trip(tmp_path: Path) -> None:
    made = make(*tables())
    write_histories(made, tmp_path / "h")
    read = read_histories(tmp_path / "h")
    assert summary_statistics(read) == summary_statistics(made)
    assert summary_statistics(made)["users"] == 30
    assert summary_statistics(made)["targets_test"] == 30


def test_warn_of_ties_if_the_times_order_nothing() -> None:
    made = make(*tables())
    assert warn_of_ties(made) == ""
    on_one_day = replace(made, timestamp=np.full_like(made.timestamp, 86400))
    assert "100% of the ratings have the time of the user's previous one" in warn_of_ties(on_one_day)
    first = np.zeros(len(made.timestamp), bool)
    first[made.offsets[:-1]] = True
    by_user = replace(made, timestamp=np.cumsum(first))  # users differ, and that orders nothing either
    assert "Set data.order to file" in warn_of_ties(by_user)


@pytest.mark.parametrize("growth", [0, 7])
def test_flat_arrays_do_not_depend_on_batches(growth: int, monkeypatch: pytest.MonkeyPatch) -> None:
    ratings, movies = tables()
    expected = make(with_parts(ratings), movies, of_split("given"))
    monkeypatch.setattr(table_engine, "BATCH_ROWS", 5)
    monkeypatch.setattr(ordering, "ARRAY_GROWTH", growth)
    found = make(with_parts(ratings), movies, of_split("given"))
    for field in fields(UserHistories):
        np.testing.assert_array_equal(getattr(found, field.name), getattr(expected, field.name))


def test_build_histories_rejects_ratings_of_other_movies() -> None:
    ratings, movies = tables()
    with pytest.raises(InputError, match="ratings of movies in data/movies.parquet"):
        make(ratings, movies.assign(movie_id=movies.movie_id + 5000))

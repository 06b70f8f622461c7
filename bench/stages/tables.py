"""filter and make_sequences: from two files to histories and targets."""

from __future__ import annotations

import time
from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd

from bench.comparison_worker import SideResult
from bench.reference.tables import filtered, sequences
from bench.synthetic_data import FULL_RATINGS, catalog, movies_for, write_ratings
from reelgraph.core.schemas.tables import open_catalog, open_ratings
from reelgraph.core.table_engine import connect
from reelgraph.params.data import Engine
from reelgraph.params.sequences import Sequences
from reelgraph.runtime.atomic_io import write_parquet
from reelgraph.sequences.build import build_histories
from reelgraph.sequences.dataset import UserHistories, read_histories, write_histories
from reelgraph.sources.filtering import filter_movies

COUNTS = "ratings"
GOAL = 10
SIZES = {"small": (100_000, 300_000, 1_000_000), "full": (1_500_000, 4_500_000, FULL_RATINGS)}

SEQUENCES = Sequences(
    split="leave_last_out", min_history=10, train_targets=5, n_test=1, val_fraction=0.1, test_fraction=0.1,
    movie_seed=42, sample_users=0, sample_seed=42,
)  # fmt: skip


def prepare(folder: Path, size: int) -> None:
    """Write a catalogue and ratings."""
    write_parquet(catalog(movies_for(size)), folder / "catalog.parquet")
    write_ratings(folder / "ratings.parquet", size, movies_for(size))


def reference(folder: Path, size: int) -> SideResult:
    """Read, filter, make sequences."""
    start = time.perf_counter()
    catalog, ratings = (pd.read_parquet(folder / f"{name}.parquet") for name in ("catalog", "ratings"))
    histories = sequences(ratings, filtered(catalog, ratings))
    return SideResult([time.perf_counter() - start], histories)


def reelgraph(folder: Path, size: int) -> SideResult:
    """Run the stages' own functions, writing included."""
    start = time.perf_counter()
    connection = connect(Engine(backend="duckdb", url="local[2]", memory_mb=1000))
    movies = filter_movies(connection, folder / "catalog.parquet", folder / "ratings.parquet").movies
    write_parquet(movies, folder / "movies.parquet")
    tables = (
        open_ratings(connection, folder / "ratings.parquet"),
        open_catalog(connection, folder / "movies.parquet"),
    )
    write_histories(build_histories(*tables, SEQUENCES), folder / "sequences")
    seconds = time.perf_counter() - start
    histories = read_histories(folder / "sequences")
    return SideResult(
        [seconds], {field.name: getattr(histories, field.name) for field in fields(UserHistories)}
    )


def check(reference: dict[str, np.ndarray], reelgraph: dict[str, np.ndarray]) -> None:
    """Same rows, same targets."""
    for name, expected in reference.items():
        np.testing.assert_array_equal(reelgraph[name], expected, err_msg=name)

"""What the stages are measured on: ratings of any number, and the demo's catalogue."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from reelgraph.core.schemas.kg import KnowledgeGraph, read_kg, write_kg
from reelgraph.core.schemas.tables import RATINGS
from reelgraph.graph.entities import extract_entities_and_edges
from reelgraph.runtime.atomic_io import write_parquet
from reelgraph.sequences.dataset import UserHistories
from reelgraph.sequences.splits import leave_last_out
from reelgraph.sources.demo.generate import catalog_table
from reelgraph.sources.demo.movies import generate_movies

FULL_MOVIES, FULL_RATINGS, FULL_USERS = 54_520, 13_717_662, 200_948
"""The reference's size (docs/reference.md)."""

SEED = 42
USERS_PER_BATCH = 20_000
YEAR = 365 * 86_400


def movies_for(ratings: int) -> int:
    """Return how many movies go with so many ratings: as at the reference's size, and no more."""
    return max(500, min(FULL_MOVIES, ratings * FULL_MOVIES // FULL_RATINGS))


def write_ratings(path: Path, ratings: int, movies: int) -> None:
    """Write about so many ratings, by user, time and movie, as stage ingest does."""
    write_parquet(_batches(ratings, movies), path, RATINGS.file_schema)


def _batches(ratings: int, movies: int) -> Iterator[pa.RecordBatch]:
    draw, users = np.random.default_rng(SEED), max(20, ratings * FULL_USERS // FULL_RATINGS)
    for first in range(0, users, USERS_PER_BATCH):
        lengths, movie, code, time = generate_ratings(draw, min(USERS_PER_BATCH, users - first), movies)
        user = first + 1 + np.repeat(np.arange(len(lengths)), lengths)
        order = np.lexsort((movie, time, user))
        columns = [user[order], movie[order] + 1, code[order] / 2, time[order]]
        yield from pa.table(columns, schema=RATINGS.file_schema).to_batches()


def generate_ratings(
    draw: np.random.Generator, users: int, movies: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Draw lengths (36 to 100), movies (each once a user, low ones popular), half-star codes, tied times."""
    lengths = draw.integers(36, 101, users)
    start = np.repeat(np.cumsum(lengths) - lengths, lengths)
    position = np.arange(lengths.sum()) - start
    # Steps through the movies, a step of the user's own: distinct, and denser at the popular end.
    step = np.repeat(movies // 101 * draw.random(users) + 1, lengths)
    share = ((position + draw.random(len(position)) * 0.9) * step % movies) / movies
    movie = np.floor(share**2 * movies).astype(np.int64)
    movie = _distinct(movie, start, lengths, movies)
    taste = np.repeat(draw.normal(3.5, 0.5, users), lengths) + np.sin(movie) * 0.5
    code = np.rint(2 * (taste + draw.normal(0, 0.7, len(movie)))).clip(1, 10).astype(np.int64)
    time = np.repeat(draw.integers(0, 20 * YEAR, users), lengths) + position // 3 * 60
    return lengths, movie, code, time + 800_000_000


def _distinct(movie: np.ndarray, start: np.ndarray, lengths: np.ndarray, movies: int) -> np.ndarray:
    """Move a user's repeated movies on to the next free ones."""
    user = np.repeat(np.arange(len(lengths)), lengths)
    order = np.lexsort((movie, user))
    ordered, position = movie[order], np.arange(len(movie)) - start
    # The running maximum of movie − place makes a user's movies strictly ascending.
    lifted = np.maximum.accumulate(ordered - position + user * 4 * movies) - user * 4 * movies + position
    result = np.empty_like(movie)
    result[order] = lifted
    return result % movies


def histories(ratings: int, movies: int, train_targets: int) -> UserHistories:
    """Return the histories of about so many ratings, without files."""
    draw, users = np.random.default_rng(SEED), max(20, ratings * FULL_USERS // FULL_RATINGS)
    lengths, movie, code, time = generate_ratings(draw, users, movies)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    return UserHistories(
        user_id=np.arange(users), offsets=offsets, movie_row=movie.astype(np.int32),
        half_star_code=code.astype(np.uint8), timestamp=time,
        **leave_last_out(offsets, 10, train_targets, 1)._asdict(),
    )  # fmt: skip


def catalog(movies: int) -> pa.Table:
    """Return the demo's catalogue of so many movies, as stage ingest writes it."""
    return catalog_table(generate_movies(movies, SEED), SEED)


def graph(movies: int, dim: int) -> KnowledgeGraph:
    """Return the graph of the demo's catalogue, with random vectors for names."""
    table = catalog(movies)
    entities, edges = extract_entities_and_edges(table)
    draw = np.random.default_rng(SEED)
    with tempfile.TemporaryDirectory(prefix="reelgraph-bench-") as folder:
        vectors = draw.normal(size=(entities.num_rows, dim)).astype(np.float32) / np.sqrt(dim).astype(
            np.float32
        )
        write_kg(table["movieId"].to_numpy(), entities, edges, vectors, f"{folder}/kg")
        return read_kg(f"{folder}/kg")

"""Sorting the ratings by user and time, and collecting them as flat arrays."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
from jaxtyping import Int64

from reelgraph.core.rating_scale import STAR_STEP
from reelgraph.core.schemas.columns import SOURCE_USER_ID
from reelgraph.core.schemas.records import SOURCE_USERS_FILE, SOURCE_USERS_SCHEMA
from reelgraph.core.table_engine import collect, stream, write_table
from reelgraph.runtime.errors import InputError

SCHEMA = pa.schema(
    [
        ("user_id", pa.int64()),
        ("movie_row", pa.int32()),
        ("half_star_code", pa.uint8()),
        ("timestamp", pa.int64()),
    ]
)

SCHEMA_WITH_SPLIT = SCHEMA.append(pa.field("test", pa.bool_()))
"""With a flag for the test ratings of a predefined split."""

ARRAY_GROWTH = 1 << 22
"""Number of ratings by which arrays grow when a batch does not fit."""


def sort_ratings(ratings: ir.Table, movies: ir.Table, schema: pa.Schema) -> ir.Table:
    """Select the ratings of the movies, and sort them by user, time and movie id.

    Args:
        ratings: validated ratings.
        movies: the movie table. A movie's row is its rank in ascending order of ids, which is the order of
            movies.parquet.
        schema: SCHEMA; or SCHEMA_WITH_SPLIT, with which each user's test rows follow their training rows.
    """
    rows = movies.select("movie_id", movie_row=ibis.row_number().over(order_by=movies.movie_id))
    split_columns = ["test"] if schema is SCHEMA_WITH_SPLIT else []
    joined = ratings.inner_join(rows, "movie_id")
    ordered = joined.order_by(["user_id", *split_columns, "timestamp", "movie_id"])
    return ordered.mutate(half_star_code=(ordered.rating / STAR_STEP).round().cast("int16")).select(
        schema.names
    )


def write_source_user_ids(ratings: ir.Table, folder: Path | str) -> None:
    """Write user_id and source_user_id of each user, ordered by user_id; nothing if the ids are numbers."""
    if SOURCE_USER_ID.name in ratings.columns:
        users = ratings.select(SOURCE_USERS_SCHEMA.names).distinct().order_by("user_id")
        write_table(users, Path(folder) / SOURCE_USERS_FILE, SOURCE_USERS_SCHEMA)


def sample_users(ratings: ir.Table, movies: ir.Table, count: int, seed: int) -> ir.Table:
    """Return the ratings of a random sample of ``count`` users, among those who rated one of the movies.

    If there are no more users than that, all ratings are returned.
    """
    users = ratings.semi_join(movies, "movie_id").select("user_id").distinct().order_by("user_id")
    user_id = collect(users, "data/ratings.parquet")["user_id"].to_numpy()
    if len(user_id) <= count:
        return ratings
    sampled = np.random.default_rng(seed).choice(user_id, size=count, replace=False)
    return ratings.filter(ratings.user_id.isin(np.sort(sampled).tolist()))


def flat_arrays(ordered: ir.Table, schema: pa.Schema) -> tuple[
    Int64[np.ndarray, "users"], Int64[np.ndarray, "bounds"], dict[str, np.ndarray]
]:  # fmt: skip
    """Run the expression and collect its rows as flat arrays.

    Returns:
        Ascending user ids, the offsets of their ratings, and the schema's other columns as arrays.

    Raises:
        InputError: there are no ratings.
    """
    arrays, users, counts = _collect_batches(stream(ordered, schema), schema)
    if not users:
        raise InputError("data/ratings.parquet", "ratings of movies in data/movies.parquet", "none",
                         "Check that both files come from one data set.")  # fmt: skip
    user_id, inverse = np.unique(np.concatenate(users), return_inverse=True)
    lengths = np.zeros(len(user_id), np.int64)
    np.add.at(lengths, inverse, np.concatenate(counts))
    return user_id, np.concatenate([[0], np.cumsum(lengths)]), arrays


def _collect_batches(
    batches: Iterable[pa.RecordBatch], schema: pa.Schema
) -> tuple[dict[str, np.ndarray], list[np.ndarray], list[np.ndarray]]:
    """Return all columns but the first; and, for each batch, its users in order and their rating counts."""
    names = schema.names[1:]
    arrays = {name: np.empty(0, schema.field(name).type.to_pandas_dtype()) for name in names}
    filled = 0
    users = []
    counts = []
    for batch in batches:
        end = filled + len(batch)
        for name, array in arrays.items():
            # In place: concatenating parts at the end would need twice the memory.
            if end > len(array):
                array.resize(end + ARRAY_GROWTH, refcheck=False)
            array[filled:end] = batch.column(name).to_numpy(zero_copy_only=False)
        filled = end
        user_ids = batch.column("user_id").to_numpy()
        first = np.flatnonzero(np.diff(user_ids, prepend=user_ids[0] - 1))
        users.append(user_ids[first])
        counts.append(np.diff(first, append=len(user_ids)))
    for array in arrays.values():
        array.resize(filled, refcheck=False)
    return arrays, users, counts

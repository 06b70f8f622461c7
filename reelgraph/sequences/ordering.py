"""Ratings of embedded movies in the order in which they were given."""

from __future__ import annotations

from collections.abc import Iterable

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
from jaxtyping import Int64

from reelgraph.core.rating_scale import STAR_STEP
from reelgraph.core.table_engine import collect, stream
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
"""With what a given split says of each rating."""

ARRAY_GROWTH = 1 << 22
"""Ratings by which arrays grow where one more batch doesn't fit."""


def sort_ratings(ratings: ir.Table, movies: ir.Table, schema: pa.Schema) -> ir.Table:
    """Keep ratings of the movies and order them by user, time, movie id.

    Args:
        ratings: checked ratings.
        movies: the movie table; a movie's row is its place in ascending order of id,
            which is the order of movies.parquet.
        schema: SCHEMA, or SCHEMA_WITH_SPLIT: then the test rows of a user come after the others.
    """
    rows = movies.select("movie_id", movie_row=ibis.row_number().over(order_by=movies.movie_id))
    part = ["test"] if schema is SCHEMA_WITH_SPLIT else []
    joined = ratings.inner_join(rows, "movie_id").order_by(["user_id", *part, "timestamp", "movie_id"])
    return joined.mutate(half_star_code=(joined.rating / STAR_STEP).round().cast("int16")).select(
        schema.names
    )


def sample_users(ratings: ir.Table, movies: ir.Table, count: int, seed: int) -> ir.Table:
    """Keep the ratings of ``count`` users drawn at random from those who rated one of the movies.

    Where there are no more users than that, all are kept.
    """
    users = ratings.semi_join(movies, "movie_id").select("user_id").distinct().order_by("user_id")
    user_id = collect(users, "data/ratings.parquet")["user_id"].to_numpy()
    if len(user_id) <= count:
        return ratings
    drawn = np.random.default_rng(seed).choice(user_id, size=count, replace=False)
    return ratings.filter(ratings.user_id.isin(np.sort(drawn).tolist()))


def flat_arrays(ordered: ir.Table, schema: pa.Schema) -> tuple[
    Int64[np.ndarray, "users"], Int64[np.ndarray, "bounds"], dict[str, np.ndarray]
]:  # fmt: skip
    """Run the expression and gather its rows as flat arrays with offsets.

    Returns:
        Ascending user ids, offsets of their ratings, and the schema's other columns as arrays.

    Raises:
        InputError: no rating is left.
    """
    arrays, users, counts = _gathered(stream(ordered, schema), schema)
    if not users:
        raise InputError("data/ratings.parquet", "ratings of movies in data/movies.parquet", "none",
                         "Check that both files come from one data set.")  # fmt: skip
    user_id, inverse = np.unique(np.concatenate(users), return_inverse=True)
    lengths = np.zeros(len(user_id), np.int64)
    np.add.at(lengths, inverse, np.concatenate(counts))
    return user_id, np.concatenate([[0], np.cumsum(lengths)]), arrays


def _gathered(
    batches: Iterable[pa.RecordBatch], schema: pa.Schema
) -> tuple[dict[str, np.ndarray], list[np.ndarray], list[np.ndarray]]:
    """Return all columns but the first, and of each batch its users, ascending, with their ratings."""
    names = schema.names[1:]
    arrays = {name: np.empty(0, schema.field(name).type.to_pandas_dtype()) for name in names}
    filled, users, counts = 0, [], []
    for batch in batches:
        upto = filled + len(batch)
        for name, array in arrays.items():
            # In place: parts that are joined at the end would be there twice.
            if upto > len(array):
                array.resize(upto + ARRAY_GROWTH, refcheck=False)
            array[filled:upto] = batch.column(name).to_numpy(zero_copy_only=False)
        filled, ids = upto, batch.column("user_id").to_numpy()
        first = np.flatnonzero(np.diff(ids, prepend=ids[0] - 1))
        users.append(ids[first])
        counts.append(np.diff(first, append=len(ids)))
    for array in arrays.values():
        array.resize(filled, refcheck=False)
    return arrays, users, counts

"""Building the histories from the tables of ratings and movies, and summary statistics of them."""

from __future__ import annotations

import ibis.expr.types as ir
import numpy as np
from jaxtyping import Int64, UInt8

from reelgraph.params.sequences import Sequences
from reelgraph.runtime.atomic_io import Json
from reelgraph.runtime.errors import InputError
from reelgraph.sequences.dataset import UserHistories, star_ratings
from reelgraph.sequences.movie_splits import cold_movies, draw_movies, new_movies
from reelgraph.sequences.ordering import (
    SCHEMA,
    SCHEMA_WITH_SPLIT,
    flat_arrays,
    sample_users,
    sort_ratings,
)
from reelgraph.sequences.splits import Split, global_time, leave_last_out, predefined

MIN_TIED_FRACTION = 0.9
"""Fraction of equal times from which on there is a warning; sessions of MovieLens have many, too."""


def build_histories(ratings: ir.Table, movies: ir.Table, params: Sequences) -> UserHistories:
    """Sort the ratings, store them as flat arrays and select the targets.

    Raises:
        InputError: no rating is of a movie in ``movies``, no user has enough ratings, or the ratings have no
            predefined split though ``params.split`` requires one.
    """
    schema = SCHEMA_WITH_SPLIT if params.split == "given" else SCHEMA
    if schema is SCHEMA_WITH_SPLIT and "test" not in ratings.columns:
        raise InputError("data/ratings.parquet", "a column test, as sequences.split is given", "none",
                         "Set data.base and data.test, or read a table that has the column.")  # fmt: skip
    if params.sample_users:
        ratings = sample_users(ratings, movies, params.sample_users, params.sample_seed)
    user_id, offsets, arrays = flat_arrays(sort_ratings(ratings, movies, schema), schema)
    split, arrays = _split(offsets, arrays, params)
    arrays.pop("test", None)
    return UserHistories(user_id=user_id, offsets=offsets, **arrays, **split._asdict())


def _split(
    offsets: Int64[np.ndarray, "bounds"], arrays: dict[str, np.ndarray], params: Sequences
) -> tuple[Split, dict[str, np.ndarray]]:
    """Return the split, and the arrays in its order of rows."""
    rule = (offsets, params.min_history, params.train_targets)
    fractions = (params.val_fraction, params.test_fraction)
    if params.split == "cold_movies":
        movies = draw_movies(arrays["movie_row"], *fractions, params.movie_seed)
        part = movies.parts(arrays["movie_row"])
        order = _order_by_part(offsets, part)
        arrays = {name: array[order] for name, array in arrays.items()}
        return cold_movies(*rule, part[order], movies), arrays
    if params.split == "new_movies":
        return new_movies(*rule, arrays["timestamp"], arrays["movie_row"], *fractions), arrays
    if params.split == "given":
        return predefined(*rule, arrays["test"]), arrays
    if params.split == "global_time":
        return global_time(*rule, arrays["timestamp"], *fractions), arrays
    return leave_last_out(*rule, params.n_test), arrays


def _order_by_part(
    offsets: Int64[np.ndarray, "bounds"], part: UInt8[np.ndarray, "ratings"]
) -> Int64[np.ndarray, "ratings"]:
    """Return the order of the ratings by user and part, which keeps that by time within a part."""
    user = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    return np.lexsort((part, user))


def summary_statistics(histories: UserHistories) -> dict[str, Json]:
    """Return counts of users, ratings and targets, and mean and std of the training targets in stars."""
    lengths = np.diff(histories.offsets)
    stars = star_ratings(histories, histories.train)
    return {
        "users": len(lengths),
        "ratings": len(histories.half_star_code),
        "length_min": int(lengths.min()),
        "length_max": int(lengths.max()),
        "length_mean": float(lengths.mean()),
        "targets_train": len(histories.train),
        "targets_val": len(histories.val),
        "targets_test": len(histories.test),
        "train_target_mean": float(stars.mean()),
        "train_target_std": float(stars.std()),
    }


def warn_of_ties(histories: UserHistories) -> str:
    """Return a warning for the summary line if the times hardly order a user's ratings; otherwise ''."""
    user = histories.users_of(np.arange(len(histories.timestamp)))
    follows = user[1:] == user[:-1]
    is_tied = histories.timestamp[1:] == histories.timestamp[:-1]
    tied_fraction = (follows & is_tied).sum() / max(1, follows.sum())
    if tied_fraction < MIN_TIED_FRACTION:
        return ""
    return (
        f"; warning: {tied_fraction:.0%} of the ratings have the time of the user's previous one, and are "
        "ordered by movie. Set data.order to file if the rows are in order"
    )

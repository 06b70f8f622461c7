"""Building the histories from the tables of ratings and movies, and summary statistics of them."""

from __future__ import annotations

import ibis.expr.types as ir
import numpy as np
from jaxtyping import Int64

from reelgraph.core.rating_scale import codes_to_stars
from reelgraph.params.sequences import Sequences
from reelgraph.runtime.atomic_io import Json
from reelgraph.runtime.errors import InputError
from reelgraph.sequences.dataset import UserHistories
from reelgraph.sequences.ordering import (
    SCHEMA,
    SCHEMA_WITH_SPLIT,
    flat_arrays,
    sample_users,
    sort_ratings,
)
from reelgraph.sequences.splits import Split, global_time, leave_last_out, predefined


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
    split = _split(offsets, arrays, params)
    arrays.pop("test", None)
    return UserHistories(user_id=user_id, offsets=offsets, **arrays, **split._asdict())


def _split(offsets: Int64[np.ndarray, "bounds"], arrays: dict[str, np.ndarray], params: Sequences) -> Split:
    rule = (offsets, params.min_history, params.train_targets)
    if params.split == "given":
        return predefined(*rule, arrays["test"])
    if params.split == "global_time":
        return global_time(*rule, arrays["timestamp"], params.val_fraction, params.test_fraction)
    return leave_last_out(*rule, params.n_test)


def summary_statistics(histories: UserHistories) -> dict[str, Json]:
    """Return counts of users, ratings and targets, and mean and std of the training targets in stars."""
    lengths = np.diff(histories.offsets)
    stars = codes_to_stars(histories.half_star_code[histories.train].astype(np.float64))
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

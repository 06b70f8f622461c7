"""From two tables to the history arrays, and what there is to report of them."""

from __future__ import annotations

import ibis.expr.types as ir
import numpy as np
from jaxtyping import Int64

from reelgraph.core.rating_scale import from_codes
from reelgraph.params.sequences import Sequences
from reelgraph.runtime.atomic_io import Json
from reelgraph.runtime.errors import InputError
from reelgraph.sequences.arrays import Histories
from reelgraph.sequences.ordering import PARTED, SCHEMA, flat_arrays, in_order, of_sampled_users
from reelgraph.sequences.splits import Split, given, global_time, leave_last_out


def make_histories(ratings: ir.Table, movies: ir.Table, params: Sequences) -> Histories:
    """Order the ratings, lay them out as arrays and choose the targets.

    Raises:
        InputError: no rating of an embedded movie, no user with enough of them, or no split where
            one should be given.
    """
    schema = PARTED if params.split == "given" else SCHEMA
    if schema is PARTED and "test" not in ratings.columns:
        raise InputError("data/ratings.parquet", "a column test, as sequences.split is given", "none",
                         "Set data.base and data.test, or read a table that has the column.")  # fmt: skip
    if params.sample_users:
        ratings = of_sampled_users(ratings, movies, params.sample_users, params.sample_seed)
    user_id, offsets, arrays = flat_arrays(in_order(ratings, movies, schema), schema)
    split = _split(offsets, arrays, params)
    arrays.pop("test", None)
    return Histories(user_id=user_id, offsets=offsets, **arrays, **split._asdict())


def _split(offsets: Int64[np.ndarray, "bounds"], arrays: dict[str, np.ndarray], params: Sequences) -> Split:
    asked = offsets, params.min_history, params.train_targets
    if params.split == "given":
        return given(*asked, arrays["test"])
    if params.split == "global_time":
        return global_time(*asked, arrays["timestamp"], params.val_share, params.test_share)
    return leave_last_out(*asked, params.test_last)


def counts(histories: Histories) -> dict[str, Json]:
    """Return what is reported of the histories; training targets' mean and deviation in stars."""
    lengths = np.diff(histories.offsets)
    stars = from_codes(histories.code[histories.train].astype(np.float64))
    return {
        "users": len(lengths),
        "ratings": len(histories.code),
        "length_min": int(lengths.min()),
        "length_max": int(lengths.max()),
        "length_mean": float(lengths.mean()),
        "targets_train": len(histories.train),
        "targets_val": len(histories.val),
        "targets_test": len(histories.test),
        "train_target_mean": float(stars.mean()),
        "train_target_std": float(stars.std()),
    }

"""From two tables to the history arrays, and what there is to report of them."""

from __future__ import annotations

import ibis.expr.types as ir
import numpy as np

from reelgraph.files import Json
from reelgraph.histories.arrays import Histories
from reelgraph.histories.ordering import flat_arrays, in_order, of_sampled_users
from reelgraph.histories.splits import leave_last_out
from reelgraph.params.sequences import Sequences
from reelgraph.stars import from_codes


def make_histories(ratings: ir.Table, movies: ir.Table, params: Sequences) -> Histories:
    """Order the ratings, lay them out as arrays and choose the targets.

    Raises:
        InputError: no rating of an embedded movie, or no user with enough of them.
    """
    if params.sample_users:
        ratings = of_sampled_users(ratings, movies, params.sample_users, params.sample_seed)
    user_id, offsets, arrays = flat_arrays(in_order(ratings, movies))
    split = leave_last_out(offsets, params.min_history, params.train_targets, params.test_last)
    return Histories(user_id=user_id, offsets=offsets, **arrays, **split._asdict())


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

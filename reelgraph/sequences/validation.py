"""What the history arrays owe each other."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import numpy as np

from reelgraph.core.rating_scale import N_CODES
from reelgraph.schemas.artifacts import Violations, duplicated, non_increasing

TYPES = {"movie_row": "int32", "half_star_code": "uint8"}
"""Of the arrays that are not int64."""

Arrays = Mapping[str, np.ndarray]


def validate_arrays(arrays: Arrays, folder: Path | str, movies: int | None) -> None:
    """Refuse arrays that are no ``UserHistories``: first by their shapes, then by all their values.

    Raises:
        ArtifactError: lists all breaches.
    """
    wrong = Violations(folder)
    for name, array in arrays.items():
        kind = TYPES.get(name, "int64")
        wrong.check(array.ndim == 1 and array.dtype == kind, f"{name}.npy not one {kind} each")
    wrong.raise_if_any()
    _check_lengths(arrays, wrong)
    wrong.raise_if_any()
    _check_users(arrays, wrong)
    wrong.raise_if_any()
    _check_ratings(arrays, movies, wrong)
    _check_targets(arrays, wrong)
    wrong.raise_if_any()


def _check_lengths(arrays: Arrays, wrong: Violations) -> None:
    users, ratings = len(arrays["user_id"]), len(arrays["movie_row"])
    lengths = {"half_star_code": ratings, "timestamp": ratings, "offsets": users + 1}
    lengths |= dict.fromkeys(("train_end", "val_end", "history_cap"), users)
    for name, length in lengths.items():
        found = len(arrays[name])
        wrong.check(found == length, f"{name}.npy has {found:,} values, not {length:,}")
    wrong.check(bool(users), "no user")


def _check_users(arrays: Arrays, wrong: Violations) -> None:
    offsets, user_id = arrays["offsets"], arrays["user_id"]
    start, end = offsets[:-1], offsets[1:]
    whole = offsets[0] == 0 and offsets[-1] == len(arrays["half_star_code"])
    wrong.check(bool(whole), "offsets don't span the ratings")
    wrong.check_rows(end <= start, "user without a rating", user_id)
    wrong.check_rows(non_increasing(user_id), "user_id not above the one before", user_id)
    bounds = [start, arrays["train_end"], arrays["val_end"], arrays["history_cap"], end]
    for low, high in pairwise(bounds):
        wrong.check_rows(low > high, "offset, train_end, val_end, limit, end of a user not in order", user_id)


def _check_ratings(arrays: Arrays, movies: int | None, wrong: Violations) -> None:
    rows, code, time = arrays["movie_row"], arrays["half_star_code"], arrays["timestamp"]
    wrong.check_rows((code < 1) | (code > N_CODES), f"code not 1 to {N_CODES}", code)
    wrong.check_rows(rows < 0, "movie_row below 0", rows)
    if movies is not None:
        wrong.check_rows(rows >= movies, f"movie_row not below {movies:,}, the rows of movies.parquet", rows)
    wrong.check_rows(time < 0, "timestamp below 0", time)
    earlier = np.diff(time, prepend=time[:1]) < 0
    # A person's ratings begin anew, and so do the test rows of a given split.
    begins = np.concatenate([arrays["offsets"][:-1], arrays["history_cap"]])
    earlier[begins[begins < len(time)]] = False
    wrong.check_rows(earlier, "timestamp before that of the rating before", time)


def _check_targets(arrays: Arrays, wrong: Violations) -> None:
    offsets, ratings = arrays["offsets"], len(arrays["half_star_code"])
    spans = {
        "train": (offsets[:-1], arrays["train_end"]),
        "val": (arrays["train_end"], arrays["val_end"]),
        "test": (arrays["val_end"], offsets[1:]),
    }
    for name, (low, high) in spans.items():
        index = arrays[name]
        inside = (index >= 0) & (index < ratings)
        user = np.searchsorted(offsets, np.where(inside, index, 0), side="right") - 1
        wrong.check_rows(~inside | (index < low[user]) | (index >= high[user]),
                   f"{name}.npy: not among the {name} rows", index)  # fmt: skip
        wrong.check_rows(duplicated(index), f"{name}.npy: a target more than once", index)

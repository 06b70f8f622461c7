"""Validation of the arrays of ``UserHistories`` when they are read from disk."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import numpy as np
from jaxtyping import Int

from reelgraph.core.rating_scale import N_CODES
from reelgraph.core.schemas.artifacts import Violations, duplicated, non_increasing
from reelgraph.runtime.atomic_io import RERUN_HINT
from reelgraph.runtime.errors import ArtifactError

DTYPES = {"movie_row": "int32", "half_star_code": "uint8"}
"""Types of the arrays that are not int64."""

Arrays = Mapping[str, np.ndarray]


def validate_arrays(arrays: Arrays, folder: Path | str, movies: int | None) -> None:
    """Check the arrays of ``UserHistories``: first their shapes and types, then all values.

    Args:
        arrays: field of ``UserHistories`` → array.
        folder: where they were read from, for errors.
        movies: number of rows of movies.parquet, if known.

    Raises:
        ArtifactError: lists all violations.
    """
    violations = Violations(folder)
    for name, array in arrays.items():
        dtype = DTYPES.get(name, "int64")
        violations.check(array.ndim == 1 and array.dtype == dtype, f"{name}.npy not a vector of {dtype}")
    violations.raise_if_any()
    _check_lengths(arrays, violations)
    violations.raise_if_any()
    _check_users(arrays, violations)
    violations.raise_if_any()
    _check_ratings(arrays, movies, violations)
    _check_targets(arrays, violations)
    violations.raise_if_any()


def check_held_out_movies(
    fitted_movies: Int[np.ndarray, " fitted"], held_out: Int[np.ndarray, " movies"]
) -> None:
    """Raise if a movie that is held out with all of its ratings has one that a model is fitted on.

    Args:
        fitted_movies: movie rows of the fitted ratings.
        held_out: rows of the held-out movies.

    Raises:
        ArtifactError: names the number of such ratings and the first of the movies.
    """
    leaked = fitted_movies[np.isin(fitted_movies, held_out)]
    if len(leaked):
        got = f"{len(leaked):,}, the first of the movie in row {leaked[0]:,}"
        raise ArtifactError("data/sequences", "no fitted rating of a held-out movie", got, RERUN_HINT)


def _check_lengths(arrays: Arrays, violations: Violations) -> None:
    users = len(arrays["user_id"])
    ratings = len(arrays["movie_row"])
    lengths = {"half_star_code": ratings, "timestamp": ratings, "offsets": users + 1}
    lengths |= dict.fromkeys(("train_end", "val_end", "history_cap"), users)
    for name, expected in lengths.items():
        length = len(arrays[name])
        violations.check(length == expected, f"{name}.npy has {length:,} values, not {expected:,}")
    violations.check(bool(users), "no user")


def _check_users(arrays: Arrays, violations: Violations) -> None:
    offsets = arrays["offsets"]
    user_id = arrays["user_id"]
    start = offsets[:-1]
    end = offsets[1:]
    complete = offsets[0] == 0 and offsets[-1] == len(arrays["half_star_code"])
    violations.check(bool(complete), "offsets don't span the ratings")
    violations.check_rows(end <= start, "user without a rating", user_id)
    violations.check_rows(non_increasing(user_id), "user_id not above the one before", user_id)
    for name in ("val_end", "history_cap"):
        for low, high in pairwise([start, arrays["train_end"], arrays[name], end]):
            violations.check_rows(
                low > high, f"offset, train_end, {name}, end of a user not in order", user_id
            )


def _check_ratings(arrays: Arrays, movies: int | None, violations: Violations) -> None:
    code = arrays["half_star_code"]
    time = arrays["timestamp"]
    violations.check_rows((code < 1) | (code > N_CODES), f"half_star_code not 1 to {N_CODES}", code)
    for name in ("movie_row", "val_movies", "test_movies"):
        violations.check_rows(arrays[name] < 0, f"{name} below 0", arrays[name])
        if movies is not None:
            violations.check_rows(
                arrays[name] >= movies,
                f"{name} not below {movies:,}, the rows of movies.parquet",
                arrays[name],
            )
    violations.check_rows(time < 0, "timestamp below 0", time)
    decreasing = np.diff(time, prepend=time[:1]) < 0
    # Time starts again with each user, and beyond the cap with the validation and the test rows.
    cap = arrays["history_cap"]
    first_rows = np.concatenate([arrays["offsets"][:-1], cap, np.maximum(cap, arrays["val_end"])])
    decreasing[first_rows[first_rows < len(time)]] = False
    violations.check_rows(decreasing, "timestamp before that of the rating before", time)


def _check_targets(arrays: Arrays, violations: Violations) -> None:
    offsets = arrays["offsets"]
    ratings = len(arrays["half_star_code"])
    spans = {
        "train": (offsets[:-1], arrays["train_end"]),
        "val": (arrays["train_end"], arrays["val_end"]),
        "test": (arrays["val_end"], offsets[1:]),
    }
    for name, (low, high) in spans.items():
        index = arrays[name]
        inside = (index >= 0) & (index < ratings)
        user = np.searchsorted(offsets, np.where(inside, index, 0), side="right") - 1
        outside_span = ~inside | (index < low[user]) | (index >= high[user])
        violations.check_rows(outside_span, f"{name}.npy: not among the {name} rows", index)
        violations.check_rows(duplicated(index), f"{name}.npy: a target more than once", index)

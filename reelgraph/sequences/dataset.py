"""Everybody's ratings as flat arrays with offsets, and which of them are targets."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Float64, Int32, Int64, UInt8

from reelgraph.core.rating_scale import codes_to_stars, normalize_stars
from reelgraph.runtime.atomic_io import read_array, write_arrays
from reelgraph.sequences.validation import validate_arrays

Fit = Literal["train", "train_val"]
"""Rows that a model is fitted on: training rows, or validation rows too."""
FITS: tuple[Fit, ...] = ("train", "train_val")


@dataclass(frozen=True)
class UserHistories:
    """Ratings ordered by user, time, movie id. A rating is named by its index in these arrays.

    Where a split was given, a user's test rows stand behind their training rows, each part by time.
    The history of a target at index ``i`` of user ``u`` is what lies in ``offsets[u] : history_end(i)``.
    """

    user_id: Int64[np.ndarray, "users"]
    """Ascending ids of the users."""
    offsets: Int64[np.ndarray, "bounds"]
    """Ratings of user u are at offsets[u] : offsets[u + 1]."""
    movie_row: Int32[np.ndarray, "ratings"]
    """Row of the movie in movies.parquet."""
    half_star_code: UInt8[np.ndarray, "ratings"]
    """Half-star code, 1 … 10."""
    timestamp: Int64[np.ndarray, "ratings"]
    """Unix seconds, UTC."""
    train_end: Int64[np.ndarray, "users"]
    """Training rows of user u are at offsets[u] : train_end[u]."""
    val_end: Int64[np.ndarray, "users"]
    """Validation rows of user u are at train_end[u] : val_end[u]."""
    history_cap: Int64[np.ndarray, "users"]
    """No history of user u reaches beyond limit[u]: the end of their ratings, or of a given training part."""
    train: Int64[np.ndarray, "train_targets"]
    """Indices of the training targets."""
    val: Int64[np.ndarray, "val_targets"]
    """Indices of the validation targets, among the validation rows."""
    test: Int64[np.ndarray, "test_targets"]
    """Indices of the test targets, among the rows behind the validation rows."""

    def fit_end(self, rows: Fit) -> Int64[np.ndarray, " users"]:
        """Return where the rows of each user end that a model is fitted on: with or without validation."""
        return np.array(self.val_end if rows == "train_val" else self.train_end)

    def mask_before(self, end: Int64[np.ndarray, " users"]) -> Bool[np.ndarray, " ratings"]:
        """Tell for each rating whether it lies before its user's ``end``."""
        return np.arange(len(self.half_star_code)) < np.repeat(end, np.diff(self.offsets))

    def history_end(self, index: Int64[np.ndarray, "targets"]) -> Int64[np.ndarray, "targets"]:
        """Return where the history of each rating ends: before itself, and at its user's limit."""
        return np.minimum(index, self.history_cap[self.users_of(index)])

    def time_rank(self, index: Int64[np.ndarray, "targets"]) -> Float64[np.ndarray, "targets"]:
        """Return each rating's place by time in its history, counted from 0.

        Where a given split's test rating has later ones in its history, too, it is midway between its
        neighbours in time, such as 3.5; of ratings of the same second it stands in the middle.
        """
        user = self.users_of(index)
        rank = (self.history_end(index) - self.offsets[user]).astype(np.float64)
        apart = index >= self.history_cap[user]
        if apart.any():
            times, moment = np.unique(self.timestamp, return_inverse=True)
            key = np.repeat(np.arange(len(self.user_id)), np.diff(self.offsets)) * len(times) + moment
            history = key[self.mask_before(self.history_cap)]
            first = np.searchsorted(history, user[apart] * len(times))
            below, upto = (np.searchsorted(history, key[index[apart]], side) for side in ("left", "right"))
            rank[apart] = (below + upto - 1) / 2 - first
        return rank

    def chronological_history_end(self, index: Int64[np.ndarray, "targets"]) -> Int64[np.ndarray, "targets"]:
        """Return where the part of each one's history ends that comes before it by rank."""
        return self.offsets[self.users_of(index)] + np.ceil(self.time_rank(index)).astype(np.int64)

    def users_of(self, index: Int64[np.ndarray, "targets"]) -> Int64[np.ndarray, "targets"]:
        """Return the user (position in ``user_id``) of each rating."""
        return np.searchsorted(self.offsets, index, side="right") - 1


def write_histories(histories: UserHistories, folder: Path | str) -> None:
    """Write each array as a file of the folder."""
    write_arrays({f.name: getattr(histories, f.name) for f in fields(histories)}, folder)


def read_histories(folder: Path | str, movies: int | None = None) -> UserHistories:
    """Map the arrays into memory and check them.

    Args:
        folder: where stage make_sequences wrote them.
        movies: rows of movies.parquet, where the reader knows them.

    Raises:
        ArtifactError: a file is missing, or the arrays don't fit together or break what ``UserHistories`` says.
    """
    arrays = {f.name: read_array(Path(folder) / f"{f.name}.npy") for f in fields(UserHistories)}
    validate_arrays(arrays, folder, movies)
    return UserHistories(**arrays)


def normalized_ratings(
    histories: UserHistories, index: Int64[np.ndarray, "*shape"]
) -> Float[np.ndarray, "*shape"]:
    """Return the scaled ratings (0 … 1, float32) at ``index``."""
    return normalize_stars(codes_to_stars(histories.half_star_code[index].astype(np.float32)))


def star_ratings(histories: UserHistories, index: Int64[np.ndarray, "n"]) -> Float[np.ndarray, "n"]:
    """Return the ratings at ``index`` in stars, float64."""
    return codes_to_stars(histories.half_star_code[index].astype(np.float64))

"""All users' ratings as flat arrays with offsets, and which of the ratings are targets."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Float64, Int32, Int64, Num, UInt8

from reelgraph.core.rating_scale import codes_to_stars, normalize_stars
from reelgraph.runtime.atomic_io import read_array, write_arrays
from reelgraph.sequences.validation import check_held_out_movies, validate_arrays

Fit = Literal["train", "train_val"]
"""Rows that a model is fitted on: training rows, or training and validation rows."""
FITS: tuple[Fit, ...] = ("train", "train_val")


def no_movies() -> Int64[np.ndarray, "0"]:
    """Return no movie rows."""
    return np.zeros(0, np.int64)


def required_fits(fit: Fit) -> tuple[Fit, ...]:
    """Return the fits that a test error by ``fit`` needs: validation errors are always of training rows."""
    return FITS if fit == "train_val" else ("train",)


@dataclass(frozen=True)
class UserHistories:
    """Ratings ordered by user, time and movie id. A rating is referred to by its index in these arrays.

    With a predefined split, a user's test rows follow their training rows; with held-out movies of
    ``cold_movies``, validation rows stand between them. Each part is ordered by time.
    The history of the target at index ``i`` of user ``u`` is ``offsets[u] : history_end(i)``.
    """

    user_id: Int64[np.ndarray, "users"]
    """Ids of the users, ascending."""
    offsets: Int64[np.ndarray, "bounds"]
    """The ratings of user u are ``offsets[u] : offsets[u + 1]``."""
    movie_row: Int32[np.ndarray, "ratings"]
    """Row of the movie in movies.parquet."""
    half_star_code: UInt8[np.ndarray, "ratings"]
    """Stars × 2, 1 … 10."""
    timestamp: Int64[np.ndarray, "ratings"]
    """Unix seconds, UTC."""
    train_end: Int64[np.ndarray, "users"]
    """The training rows of user u are ``offsets[u] : train_end[u]``."""
    val_end: Int64[np.ndarray, "users"]
    """The validation rows of user u are ``train_end[u] : val_end[u]``."""
    history_cap: Int64[np.ndarray, "users"]
    """No history of user u extends beyond it: the end of the ratings, or of the rows that ``given`` and
    ``cold_movies`` train on."""
    train: Int64[np.ndarray, "train_targets"]
    """Indices of the training targets."""
    val: Int64[np.ndarray, "val_targets"]
    """Indices of the validation targets, among the validation rows."""
    test: Int64[np.ndarray, "test_targets"]
    """Indices of the test targets, among the rows after the validation rows."""
    val_movies: Int64[np.ndarray, "val_movies"] = field(default_factory=no_movies)
    """Rows of the movies that are held out for validation; empty where a split holds out ratings only."""
    test_movies: Int64[np.ndarray, "test_movies"] = field(default_factory=no_movies)
    """The same for testing."""

    @property
    def n_movies(self) -> int:
        """Number of movie rows, up to the last movie with a rating."""
        return int(self.movie_row.max()) + 1

    def fit_end(self, rows: Fit) -> Int64[np.ndarray, " users"]:
        """Return the end of each user's rows that a model is fitted on.

        Every fit gets its rows here, so this is where a rating of a held-out movie among them is noticed.

        Raises:
            ArtifactError: one of these rows is a rating of a movie that is held out from this fit.
        """
        end = np.array(self.val_end if rows == "train_val" else self.train_end)
        held_out = self.test_movies if rows == "train_val" else np.union1d(self.val_movies, self.test_movies)
        if len(held_out):
            check_held_out_movies(self.movie_row[self.mask_before(end)], held_out)
        return end

    def fitted_index(self, end: Int64[np.ndarray, " users"]) -> Int64[np.ndarray, " fitted"]:
        """Return the indices of the ratings before ``end``, ordered by user and time."""
        index = np.flatnonzero(self.mask_before(end))
        if (end <= self.history_cap).all():
            return index
        # Rows beyond the cap are a part of their own, which starts again in time.
        return index[np.lexsort((self.timestamp[index], self.users_of(index)))]

    def mask_before(self, end: Int64[np.ndarray, " users"]) -> Bool[np.ndarray, " ratings"]:
        """Return True for each rating whose index is less than its user's ``end``."""
        return np.arange(len(self.half_star_code)) < np.repeat(end, np.diff(self.offsets))

    def users_of(self, index: Int64[np.ndarray, "targets"]) -> Int64[np.ndarray, "targets"]:
        """Return the position in ``user_id`` of each rating's user."""
        return np.searchsorted(self.offsets, index, side="right") - 1

    def history_bounds(
        self, index: Int64[np.ndarray, "targets"]
    ) -> tuple[Int64[np.ndarray, "targets"], Int64[np.ndarray, "targets"]]:
        """Return the start and the end of each rating's history."""
        user = self.users_of(index)
        return self.offsets[user], np.minimum(index, self.history_cap[user])

    def history_end(self, index: Int64[np.ndarray, "targets"]) -> Int64[np.ndarray, "targets"]:
        """Return the end of each rating's history: the rating itself, or its user's ``history_cap``."""
        return self.history_bounds(index)[1]

    def sum_history(
        self,
        values: Num[np.ndarray, "ratings"] | Bool[np.ndarray, "ratings"],
        index: Int64[np.ndarray, "targets"],
    ) -> Num[np.ndarray, "targets"]:
        """Return the sum of ``values`` over the history of each rating."""
        start, end = self.history_bounds(index)
        sums = np.concatenate([[0], np.cumsum(values)])
        return sums[end] - sums[start]

    def time_rank(self, index: Int64[np.ndarray, "targets"]) -> Float64[np.ndarray, "targets"]:
        """Return each rating's rank by time in its history, counted from 0.

        A test rating of a predefined split has later ratings in its history, too. Its rank is midway between
        its neighbours in time, such as 3.5; among ratings of the same second it is in the middle.
        """
        user = self.users_of(index)
        rank = (self.history_end(index) - self.offsets[user]).astype(np.float64)
        beyond_cap = index >= self.history_cap[user]
        if beyond_cap.any():
            times, time_code = np.unique(self.timestamp, return_inverse=True)
            # One number per user and time, in the order of the histories.
            key = np.repeat(np.arange(len(self.user_id)), np.diff(self.offsets)) * len(times) + time_code
            history_keys = key[self.mask_before(self.history_cap)]
            target_keys = key[index[beyond_cap]]
            first = np.searchsorted(history_keys, user[beyond_cap] * len(times))
            below = np.searchsorted(history_keys, target_keys, "left")
            up_to = np.searchsorted(history_keys, target_keys, "right")
            rank[beyond_cap] = (below + up_to - 1) / 2 - first
        return rank

    def chronological_history_end(self, index: Int64[np.ndarray, "targets"]) -> Int64[np.ndarray, "targets"]:
        """Return the end of the part of each rating's history that precedes it by ``time_rank``."""
        return self.offsets[self.users_of(index)] + np.ceil(self.time_rank(index)).astype(np.int64)


def normalized_ratings(
    histories: UserHistories, index: Int64[np.ndarray, "*shape"]
) -> Float[np.ndarray, "*shape"]:
    """Return the ratings at ``index``, normalized to 0 … 1, in float32."""
    return normalize_stars(codes_to_stars(histories.half_star_code[index].astype(np.float32)))


def star_ratings(
    histories: UserHistories, index: Int64[np.ndarray, "n"] | slice = slice(None)
) -> Float64[np.ndarray, "n"]:
    """Return the ratings at ``index``, by default all, in stars."""
    return codes_to_stars(histories.half_star_code[index].astype(np.float64))


def write_histories(histories: UserHistories, folder: Path | str) -> None:
    """Write each array to a file of the folder."""
    write_arrays({field.name: getattr(histories, field.name) for field in fields(histories)}, folder)


def read_histories(folder: Path | str, movies: int | None = None) -> UserHistories:
    """Map the arrays into memory and validate them.

    Args:
        folder: output folder of stage make_sequences.
        movies: number of rows of movies.parquet, to check ``movie_row``.

    Raises:
        ArtifactError: a file is missing, the arrays do not fit together, or a held-out movie has a rating
            among the rows that models are fitted on.
    """
    arrays = {f.name: read_array(Path(folder) / f"{f.name}.npy") for f in fields(UserHistories)}
    validate_arrays(arrays, folder, movies)
    histories = UserHistories(**arrays)
    for rows in FITS:
        histories.fit_end(rows)
    return histories

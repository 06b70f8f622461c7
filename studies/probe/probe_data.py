"""The probe's data: how users' ratings differ from the mean ratings of the same movies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float32, Int64
from torch import Tensor

from reelgraph.baselines.biases import Biases, fit_biases
from reelgraph.core.seeds import generator
from reelgraph.raters.gp.rating_table import tile_windows, windows_ending_at
from reelgraph.sequences.dataset import UserHistories, star_ratings
from studies.probe.params import Probe

MOVIE_DAMPING = 5.0
USER_DAMPING = 10.0


@dataclass(frozen=True)
class Windows:
    """Windows of users' ratings by time; a target is predicted from the ratings before it in its window."""

    rows: Int64[np.ndarray, "windows size"]
    """Indices of ratings, padded with −1."""
    is_target: Bool[np.ndarray, "windows size"]


@dataclass(frozen=True)
class ProbeData:
    """Residuals of all ratings, in stars, and the windows that are predicted."""

    user: Int64[np.ndarray, " ratings"]
    movie: Int64[Tensor, " ratings"]
    residual: Float32[Tensor, " ratings"]
    one_step: Windows
    """All training rows."""
    val: Windows
    """The validation targets with their histories."""


def build_probe_data(histories: UserHistories, params: Probe, seed: int) -> ProbeData:
    """Return the residuals, the training rows and the validation targets of a sample of users.

    A residual is the rating minus the mean, the user effect and the movie effect, damped and fitted on
    training rows. The movie effect of a training row leaves its own rating out, so that it is comparable to
    the effect for a later rating.
    """
    fit_end = histories.fit_end("train")
    is_train = histories.mask_before(fit_end)
    biases = fit_biases(histories, fit_end, MOVIE_DAMPING, USER_DAMPING)
    user = histories.users_of(np.arange(len(is_train)))
    is_sampled = _sample_users(len(histories.user_id), params.users, seed)
    length = params.context_length
    rows, is_target = tile_windows(histories.offsets, length, max(1, length // 2))
    is_row = (rows >= 0) & (is_train & is_sampled[user])[rows]
    has_target = (is_row & is_target).any(axis=1)
    target = histories.val[is_sampled[histories.users_of(histories.val)]]
    start, end = histories.history_bounds(target)
    return ProbeData(
        user=user,
        movie=torch.from_numpy(histories.movie_row.astype(np.int64)),
        residual=torch.from_numpy(_residuals(histories, is_train, biases)),
        one_step=Windows(np.where(is_row, rows, -1)[has_target], (is_row & is_target)[has_target]),
        val=Windows(*windows_ending_at(target, np.maximum(start, end - length + 1), end)),
    )


def _sample_users(users: int, limit: int, seed: int) -> Bool[np.ndarray, " users"]:
    is_sampled = np.zeros(users, bool)
    is_sampled[generator(seed, "probe/users").permutation(users)[:limit]] = True
    return is_sampled


def _residuals(
    histories: UserHistories, is_train: Bool[np.ndarray, " ratings"], biases: Biases
) -> Float32[np.ndarray, " ratings"]:
    movie = histories.movie_row
    stars = star_ratings(histories)
    user = histories.users_of(np.arange(len(stars)))
    damped_count = np.bincount(movie[is_train], minlength=len(biases.movie)) + MOVIE_DAMPING
    deviation = stars - biases.mean - biases.user[user]
    other_total = (biases.movie * damped_count)[movie] - np.where(is_train, deviation, 0)
    movie_effect = other_total / (damped_count[movie] - is_train)
    return (stars - biases.mean - movie_effect).astype(np.float32)

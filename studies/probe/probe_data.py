"""What the probe predicts: how a person's ratings differ from what others gave the same movies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float32, Int64
from torch import Tensor

from reelgraph.baselines.biases import Biases, fit_biases
from reelgraph.core.rating_scale import codes_to_stars
from reelgraph.core.seeds import generator
from reelgraph.raters.gp.rating_table import tile_windows, windows_ending_at
from reelgraph.sequences.dataset import UserHistories
from studies.probe.params import Probe

MOVIE_DAMPING, USER_DAMPING = 5.0, 10.0


@dataclass(frozen=True)
class Windows:
    """Stretches of people's ratings, by time; each marked one is predicted from those before it."""

    rows: Int64[np.ndarray, "windows size"]
    """Indices of ratings; −1 fills up."""
    is_target: Bool[np.ndarray, "windows size"]


@dataclass(frozen=True)
class ProbeData:
    """Residuals of all ratings, in stars, and those that are predicted."""

    user: Int64[np.ndarray, " ratings"]
    movie: Int64[Tensor, " ratings"]
    residual: Float32[Tensor, " ratings"]
    one_step: Windows
    """Every training row, from those before it."""
    val: Windows
    """Every validation target, from its history."""


def build_probe_data(histories: UserHistories, params: Probe, seed: int) -> ProbeData:
    """Take the training rows and validation targets of the probed people.

    A rating's residual is what it is over mean and movie effect (damped, fitted on training rows); a
    training row's own rating is left out of its movie's effect, which a later one's isn't in either.
    """
    fit_end = histories.fit_end("train")
    taken = histories.mask_before(fit_end)
    biases = fit_biases(histories, fit_end, MOVIE_DAMPING, USER_DAMPING)
    user = histories.users_of(np.arange(len(taken)))
    probed = _probed(len(histories.user_id), params.users, seed)
    rows, marks = tile_windows(histories.offsets, params.context_length, max(1, params.context_length // 2))
    inside = (rows >= 0) & (taken & probed[user])[rows]
    some = (inside & marks).any(axis=1)
    target = histories.val[probed[histories.users_of(histories.val)]]
    start, end = histories.offsets[histories.users_of(target)], histories.history_end(target)
    return ProbeData(
        user=user,
        movie=torch.from_numpy(histories.movie_row.astype(np.int64)),
        residual=torch.from_numpy(_residuals(histories, taken, biases)),
        one_step=Windows(np.where(inside, rows, -1)[some], (inside & marks)[some]),
        val=Windows(*windows_ending_at(target, np.maximum(start, end - params.context_length + 1), end)),
    )


def _probed(users: int, most: int, seed: int) -> Bool[np.ndarray, " users"]:
    chosen = np.zeros(users, bool)
    chosen[generator(seed, "probe/users").permutation(users)[:most]] = True
    return chosen


def _residuals(
    histories: UserHistories, taken: Bool[np.ndarray, " ratings"], biases: Biases
) -> Float32[np.ndarray, " ratings"]:
    movie, stars = histories.movie_row, codes_to_stars(histories.half_star_code.astype(np.float64))
    user = histories.users_of(np.arange(len(stars)))
    damped = np.bincount(movie[taken], minlength=len(biases.movie)) + MOVIE_DAMPING
    own = stars - biases.mean - biases.user[user]
    others = (biases.movie * damped)[movie] - np.where(taken, own, 0)
    return (stars - biases.mean - others / (damped[movie] - taken)).astype(np.float32)

"""Baseline: damped biases of the movie and the user."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int64
from pydantic import Field

from reelgraph.baselines.biases import fit_biases
from reelgraph.core.rating_scale import MAX_STARS, MIN_STARS
from reelgraph.params.base import Section
from reelgraph.sequences.dataset import UserHistories


class Params(Section):
    """Parameters of the baseline."""

    movie_damping: float = Field(gt=0)
    """Ratings that a prior movie bias of 0 counts as, above 0."""

    user_damping: float = Field(gt=0)
    """Ratings that a prior user bias of 0 counts as, above 0."""


def predict(
    histories: UserHistories,
    fit_end: Int64[np.ndarray, " users"],
    index: Int64[np.ndarray, " n"],
    params: Params,
) -> Float[np.ndarray, " n"]:
    """Predict the ratings at ``index``, in stars; a new movie or user has the bias 0."""
    biases = fit_biases(histories, fit_end, params.movie_damping, params.user_damping)
    movie = histories.movie_row[index]
    user = histories.users_of(index)
    return (biases.mean + biases.movie[movie] + biases.user[user]).clip(MIN_STARS, MAX_STARS)

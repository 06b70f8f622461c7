"""Baseline: damped biases of the movie and the user."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int64

from reelgraph.baselines.biases import BiasParams, fit_biases
from reelgraph.core.rating_scale import MAX_STARS, MIN_STARS
from reelgraph.sequences.dataset import UserHistories

Params = BiasParams


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

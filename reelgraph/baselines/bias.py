"""Baseline: damped effects of the movie and of the person."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int64

from reelgraph.baselines.biases import fit_biases
from reelgraph.histories.arrays import Histories
from reelgraph.params.baselines import Baselines
from reelgraph.stars import HIGHEST, LOWEST


def predict(
    histories: Histories,
    fit_end: Int64[np.ndarray, " users"],
    index: Int64[np.ndarray, " n"],
    params: Baselines,
) -> Float[np.ndarray, " n"]:
    """Predict the ratings at ``index``, in stars; an unknown movie or person has no effect."""
    fitted = fit_biases(histories, fit_end, params.movie_damping, params.user_damping)
    movie, user = histories.movie_row[index], histories.users_of(index)
    return (fitted.mean + fitted.movie[movie] + fitted.user[user]).clip(LOWEST, HIGHEST)

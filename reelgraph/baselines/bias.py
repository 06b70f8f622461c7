"""Baseline: damped effects of the movie and of the person."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int64
from pydantic import Field

from reelgraph.baselines.biases import fit_biases
from reelgraph.core.rating_scale import MAX_STARS, MIN_STARS
from reelgraph.params.base import Section
from reelgraph.sequences.dataset import UserHistories


class Params(Section):
    """Numbers of the baseline."""

    movie_damping: float = Field(gt=0)
    """Ratings that a movie's effect of 0 is worth beforehand, above 0."""

    user_damping: float = Field(gt=0)
    """The same of a person's."""


def predict(
    histories: UserHistories,
    fit_end: Int64[np.ndarray, " users"],
    index: Int64[np.ndarray, " n"],
    params: Params,
) -> Float[np.ndarray, " n"]:
    """Predict the ratings at ``index``, in stars; an unknown movie or person has no effect."""
    fitted = fit_biases(histories, fit_end, params.movie_damping, params.user_damping)
    movie, user = histories.movie_row[index], histories.users_of(index)
    return (fitted.mean + fitted.movie[movie] + fitted.user[user]).clip(MIN_STARS, MAX_STARS)

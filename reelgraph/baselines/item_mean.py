"""Baseline: the mean of the movie's training ratings."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int64

from reelgraph.baselines.biases import global_mean
from reelgraph.core.rating_scale import codes_to_stars
from reelgraph.params.base import Section
from reelgraph.sequences.dataset import UserHistories

Params = Section
"""The baseline has no parameters."""


def predict(
    histories: UserHistories,
    fit_end: Int64[np.ndarray, " users"],
    index: Int64[np.ndarray, " n"],
    params: Params,
) -> Float[np.ndarray, " n"]:
    """Predict the ratings at ``index``, in stars; a movie without rows gets the global mean."""
    is_fitted = histories.mask_before(fit_end)
    movie = histories.movie_row[is_fitted]
    # Half-star codes are integers, so their float64 sums are exact.
    total = np.bincount(movie, histories.half_star_code[is_fitted], histories.n_movies)
    count = np.bincount(movie, minlength=histories.n_movies)
    mean = codes_to_stars(total / np.maximum(count, 1))
    means = np.where(count > 0, mean, global_mean(histories, fit_end))
    return means[histories.movie_row[index]]

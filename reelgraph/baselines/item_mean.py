"""Baseline: everybody gives a movie the mean of its rows."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int64

from reelgraph.baselines.biases import global_mean
from reelgraph.core.rating_scale import codes_to_stars
from reelgraph.params.base import Section
from reelgraph.sequences.dataset import UserHistories

Params = Section
"""It has no numbers."""


def predict(
    histories: UserHistories,
    fit_end: Int64[np.ndarray, " users"],
    index: Int64[np.ndarray, " n"],
    params: Params,
) -> Float[np.ndarray, " n"]:
    """Predict the ratings at ``index``, in stars; a movie without rows gets the global mean."""
    taken = histories.mask_before(fit_end)
    movie, movies = histories.movie_row[taken], int(histories.movie_row.max()) + 1
    # Half-star codes are whole numbers: their float64 sums are exact.
    total = np.bincount(movie, histories.half_star_code[taken], movies)
    count = np.bincount(movie, minlength=movies)
    means = np.where(count > 0, codes_to_stars(total / np.maximum(count, 1)), global_mean(histories, fit_end))
    return means[histories.movie_row[index]]

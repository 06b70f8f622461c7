"""Baselines that predict probabilities of the half stars: a histogram, and conformal prediction.

They are measured beside the rater in reports/probabilities.tsv. What they choose, they choose by validation.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int64

from reelgraph.core.rating_scale import N_CODES, ROUNDING_THRESHOLDS
from reelgraph.evaluation.io import ModelPredictions, best_baseline
from reelgraph.evaluation.probabilities import Probabilities, log_likelihood
from reelgraph.sequences.dataset import Fit, UserHistories, star_ratings

DAMPINGS = (1.0, 3.0, 10.0, 30.0)
"""Ratings that a prior histogram counts as, to choose from."""
Stars = Float[np.ndarray, " targets"]
Index = Int64[np.ndarray, " targets"]


def probability_baselines(
    histories: UserHistories, baselines: Mapping[str, ModelPredictions], fit: Fit
) -> dict[str, Probabilities]:
    """Return the probabilities of the test targets' half stars, by baseline.

    ``histogram`` is the user's, shrunk to the movie's. ``conformal_NAME`` is the conformal predictive
    distribution around the baseline with the lowest validation RMSE.

    Args:
        histories: ratings and targets.
        baselines: predicted stars.
        fit: rows that the baselines of the test targets are fitted on.
    """
    val_codes = histories.half_star_code[histories.val].astype(np.int64)
    val_counts = count_half_stars(histories, "train", histories.val)
    grid = list(product(DAMPINGS, DAMPINGS))
    scores = [log_likelihood(val_codes, histogram(val_counts, *dampings)).mean() for dampings in grid]
    counts = count_half_stars(histories, fit, histories.test)
    probabilities = {"histogram": histogram(counts, *grid[int(np.argmax(scores))])}
    best = best_baseline(histories, baselines)
    residual = star_ratings(histories, histories.val) - baselines[best].val
    probabilities[f"conformal_{best}"] = conformal(residual, baselines[best].test[fit])
    return probabilities


class HalfStarCounts(NamedTuple):
    """Numbers of ratings of each half star."""

    user: Float[np.ndarray, "targets 10"]
    """In each target's history."""
    movie: Float[np.ndarray, "targets 10"]
    """Of each target's movie, among fitted ratings."""
    total: Float[np.ndarray, " 10"]
    """Among fitted ratings."""


def count_half_stars(histories: UserHistories, fit: Fit, index: Index) -> HalfStarCounts:
    """Return the counts that ``histogram`` needs of the targets.

    Args:
        histories: ratings of all users.
        fit: rows that are fitted.
        index: the targets.
    """
    is_fitted = histories.mask_before(histories.fit_end(fit))
    fitted_code = histories.half_star_code[is_fitted]
    shape = (len(index), N_CODES)
    counts = HalfStarCounts(np.zeros(shape), np.zeros(shape), np.zeros(N_CODES))
    for position in range(N_CODES):
        fitted_movie = histories.movie_row[is_fitted][fitted_code == position + 1]
        of_movies = np.bincount(fitted_movie, minlength=histories.n_movies)
        counts.user[:, position] = histories.sum_history(histories.half_star_code == position + 1, index)
        counts.movie[:, position] = of_movies[histories.movie_row[index]]
        counts.total[position] = of_movies.sum()
    return counts


def histogram(counts: HalfStarCounts, movie_damping: float, user_damping: float) -> Probabilities:
    """Return the fractions of the half stars in the user's history, shrunk to those of the movie.

    The movie's are shrunk to the fractions of all fitted ratings.

    Args:
        counts: of the targets.
        movie_damping: ratings that the fractions of all fitted ratings count as, above 0.
        user_damping: ratings that the fractions of the movie count as, above 0.
    """
    overall = counts.total + 1  # no probability is 0
    movie = _shrink(counts.movie, overall / overall.sum(), movie_damping)
    return _shrink(counts.user, movie, user_damping)


def _shrink(
    counts: Float[np.ndarray, "targets codes"], prior: Float[np.ndarray, "*targets codes"], damping: float
) -> Probabilities:
    return (counts + damping * prior) / (counts.sum(axis=1, keepdims=True) + damping)


def conformal(residual: Float[np.ndarray, " calibration"], stars: Stars) -> Probabilities:
    """Return the split conformal predictive distribution around predicted stars.

    It is that of prediction + residual, with the residuals of the calibration ratings equally probable (Vovk
    et al. 2020, "Computationally efficient versions of conformal predictive distributions"), rounded to half
    stars. One more observation is spread evenly over the half stars, so that no probability is 0.

    Args:
        residual: rating minus prediction of ratings that the baseline was not fitted on, stars.
        stars: predictions of the targets.
    """
    # A target has prediction + residual ≤ threshold where its residual is at most threshold − prediction.
    below = np.searchsorted(np.sort(residual), ROUNDING_THRESHOLDS - stars[:, None], side="right")
    counts = np.diff(below, axis=1, prepend=0, append=len(residual)).astype(np.float64)
    return _shrink(counts, np.full(N_CODES, 1 / N_CODES), damping=1.0)

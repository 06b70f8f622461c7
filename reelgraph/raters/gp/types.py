"""What the process reads of ratings, and what it says of them."""

from __future__ import annotations

from typing import NamedTuple

from jaxtyping import Float, Float64, Int64
from torch import Tensor


class RatingFeatures(NamedTuple):
    """What the process reads of each rating."""

    movie: Int64[Tensor, " ratings"]
    fold: Int64[Tensor, " ratings"]
    """Table of tastes that the person is predicted with."""
    rank: Float64[Tensor, " ratings"]
    """Place by time in the person's history."""
    time: Int64[Tensor, " ratings"]
    movie_features: Float[Tensor, "ratings 4"]
    """Movie mean, log count, year, year²; about unit scale."""
    noise_features: Float[Tensor, "ratings 2"]
    """Inverse count and log spread of the movie."""
    residual: Float[Tensor, " ratings"]
    """Stars over the movie's mean."""


class OneStepPredictions(NamedTuple):
    """One-step-ahead predictions in a window; what stands where there is no rating means nothing."""

    mean: Float[Tensor, "windows size"]
    """Mean given the earlier ratings of the window, stars over the movie's mean."""
    std: Float[Tensor, "windows size"]
    """Standard deviation, noise included."""
    standardized_residual: Float[Tensor, "windows size"]
    """Error in standard deviations."""


class CandidateCache(NamedTuple):
    """Ratings that nobody has given yet, to be predicted in somebody's place."""

    vectors: tuple[Float[Tensor, "tokens factors"], Float[Tensor, " tokens"]]
    """Means of the learned vectors, and the variance left out."""
    factors: Float[Tensor, "ratings dim"]
    entities: Int64[Tensor, "ratings tokens"]
    """Of all types; 0 is none."""
    level: Float[Tensor, " ratings"]
    variance: Float[Tensor, " ratings"]
    """Noise included."""


class CandidatePredictions(NamedTuple):
    """Candidates in the place of a window's last rating; L is the Cholesky factor of the history."""

    mean: Float[Tensor, " others"]
    std: Float[Tensor, " others"]
    """Both as in ``Ahead``."""
    standardized_residual: Float[Tensor, " history"]
    """L⁻¹ r: errors of the one-step-ahead predictions of the history, in standard deviations."""
    solved: Float[Tensor, "others history"]
    """L⁻¹ k_*."""
    whiten: Float[Tensor, "history history"]
    """L⁻¹."""
    residual: Float[Tensor, " history"]
    """r: stars over the level."""

    def contributions(self, at: Int64[Tensor, " shown"]) -> Float[Tensor, "shown history"]:
        """Return the stars that each earlier rating adds to the predictions of some of the others.

        They are k_* (K + noise)⁻¹ r, item by item, and sum to the prediction over the movie's level.
        """
        return self.solved[at] @ self.whiten * self.residual

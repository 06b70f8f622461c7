"""Inputs and outputs of the Gaussian process."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Float64, Int64
from torch import Tensor


class RatingFeatures(NamedTuple):
    """What the Gaussian process reads of each rating."""

    movie: Int64[Tensor, " ratings"]
    is_unrated: Bool[Tensor, " ratings"]
    """True if no other rating of the movie is known: it is predicted from its content alone."""
    fold: Int64[Tensor, " ratings"]
    """Which set of latent factors predicts the user's ratings; see ``movie_factors``."""
    rank: Float64[Tensor, " ratings"]
    """Position by time in the user's history."""
    time: Int64[Tensor, " ratings"]
    """Unix seconds."""
    movie_features: Float[Tensor, "ratings 4"]
    """x: movie effect, log count, year and year², standardized roughly."""
    noise_features: Float[Tensor, "ratings 3"]
    """n: inverse count and log standard deviation of the movie, and 1 if it is unrated."""
    residual: Float[Tensor, " ratings"]
    """y: stars over the movie's mean."""

    def select(self, index: Int64[Tensor, "*shape"]) -> RatingFeatures:
        """Return the features of the ratings at ``index``, in its shape."""
        return RatingFeatures(*(column[index] for column in self))

    def to(self, device: torch.device) -> RatingFeatures:
        """Return the features on a device."""
        return RatingFeatures(*(column.to(device) for column in self))


class OneStepPredictions(NamedTuple):
    """One-step-ahead predictions of windows; values at padding are meaningless."""

    mean: Float[Tensor, "windows size"]
    """Mean given the earlier ratings of the window, stars over the movie's mean."""
    std: Float[Tensor, "windows size"]
    """Standard deviation, noise included, stars."""
    standardized_residual: Float[Tensor, "windows size"]
    """L⁻¹(y − m): error in standard deviations."""

    def cpu(self) -> OneStepPredictions:
        """Return the predictions on the CPU."""
        return OneStepPredictions(*(values.cpu() for values in self))


class CandidateCache(NamedTuple):
    """What predictions of candidate ratings need, whatever the history."""

    factors: Float[Tensor, "candidates factors"]
    """Feature map of the movie covariance without shared entities."""
    entities: Int64[Tensor, "candidates width"]
    """Entities of all types; 0 is none."""
    prior_mean: Float[Tensor, " candidates"]
    """m, stars over the movie's mean."""
    variance: Float[Tensor, " candidates"]
    """k(*, *) + σ_n², stars²."""

    def select(self, rows: Int64[Tensor, " rows"]) -> CandidateCache:
        """Return the cache of some of the candidates."""
        return CandidateCache(
            factors=self.factors[rows],
            entities=self.entities[rows],
            prior_mean=self.prior_mean[rows],
            variance=self.variance[rows],
        )


class CandidatePredictions(NamedTuple):
    """Predictions of candidates after one history; L is the Cholesky factor of the history's K."""

    mean: Float[Tensor, " candidates"]
    """As in ``OneStepPredictions``."""
    std: Float[Tensor, " candidates"]
    """As in ``OneStepPredictions``."""
    standardized_residual: Float[Tensor, " history"]
    """L⁻¹(y − m): one-step-ahead errors of the history, in standard deviations."""
    solved_covariance: Float[Tensor, "candidates history"]
    """v = L⁻¹ k_*, one row per candidate."""
    cholesky_factor: Float[Tensor, "history history"]
    """L."""
    residual: Float[Tensor, " history"]
    """y − m, stars."""

    def contributions(self, rows: Int64[Tensor, " rows"]) -> Float[Tensor, "rows history"]:
        """Return the stars that each rating of the history adds to the predictions of some candidates.

        These are the terms of k_*ᵀ K⁻¹ (y − m); their sum is the prediction minus the prior mean.
        """
        v = self.solved_covariance[rows]
        return torch.linalg.solve_triangular(self.cholesky_factor, v, upper=False, left=False) * self.residual

    def dual_weights(self) -> Float[Tensor, " history"]:
        """Return α = K⁻¹ (y − m), 1/stars."""
        z = self.standardized_residual.unsqueeze(1)
        return torch.linalg.solve_triangular(self.cholesky_factor.T, z, upper=True).squeeze(1)

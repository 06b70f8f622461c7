"""The ordinal head: from the Gaussian process's prediction to probabilities of the ten half stars."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import cast

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from reelgraph.core.fast_dropout import SeededDropout
from reelgraph.core.rating_scale import N_CODES, codes_to_stars

N_STAR_BINS = 5
RECENT_HALF_STARS = 10
"""Number of ratings in the recent fraction of half stars."""
RECENT_RESIDUALS = (1, 3, 10)
"""Numbers of ratings in the recent mean residuals."""
DISPERSION_PRIOR = 10
"""Number of ratings with the predicted dispersion that the estimate starts from."""


@dataclass(frozen=True)
class MovieFeatures:
    """Statistics of each target's movie; see ``LeaveOneOutStats``."""

    effect: Float[Tensor, " rows"]
    log_count: Float[Tensor, " rows"]
    std: Float[Tensor, " rows"]
    prior_effect: Float[Tensor, " rows"]
    is_unrated: Bool[Tensor, " rows"]


@dataclass(frozen=True)
class HistoryFeatures:
    """Statistics of the user's history before each target; one row stands for all targets."""

    log_rank: Float[Tensor, " rows"]
    """log(1 + position by time). Early ratings are higher, wherever the history ends."""
    log_seconds_since_previous: Float[Tensor, " rows"]
    """log(1 + seconds)."""
    star_fractions: Float[Tensor, "rows 5"]
    """Fractions of ratings in (0, 1], (1, 2], ... stars. The next two divide by length + 1 as well."""
    mean_log_count: Float[Tensor, " rows"]
    """Mean log count of the rated movies."""
    half_star_fraction: Float[Tensor, " rows"]
    """Fraction of ratings that are no whole stars."""
    recent_half_star_fraction: Float[Tensor, " rows"]
    """The same of the last ``RECENT_HALF_STARS`` ratings."""
    recent_residuals: Float[Tensor, "rows 3"]
    """Mean residuals over the movie effects of the last ``RECENT_RESIDUALS`` ratings, stars."""

    def row(self, index: int) -> HistoryFeatures:
        """Return the features of one target."""
        return HistoryFeatures(**{f.name: getattr(self, f.name)[index : index + 1] for f in fields(self)})


@dataclass(frozen=True)
class HeadFeatures:
    """All features of the head. Prediction, catalogue scoring and the ONNX export build them here alone."""

    movie: MovieFeatures
    history: HistoryFeatures
    residual_mean: Float[Tensor, " rows"]
    """The Gaussian process's prediction, stars over the movie's mean."""
    residual_variance: Float[Tensor, " rows"]
    """Its variance, stars²."""
    log_dispersion: Float[Tensor, " _"]
    """How well the Gaussian process predicted the history; see ``log_dispersion``."""

    def matrix(self) -> Float[Tensor, "rows features"]:
        """Return the features as float32 columns; features with one row are repeated."""
        columns = [
            self.movie.effect,
            self.movie.log_count,
            self.movie.std,
            self.movie.prior_effect,
            self.movie.is_unrated,
            self.history.log_rank,
            self.history.log_seconds_since_previous,
            *self.history.star_fractions.unbind(dim=1),
            self.history.mean_log_count,
            self.history.half_star_fraction,
            self.history.recent_half_star_fraction,
            *self.history.recent_residuals.unbind(dim=1),
            self.residual_mean,
            self.residual_variance,
            self.log_dispersion,
        ]
        return torch.stack(torch.broadcast_tensors(*(column.float() for column in columns)), dim=1)


N_HEAD_FEATURES = 13 + N_STAR_BINS + len(RECENT_RESIDUALS)
"""Number of columns of ``HeadFeatures.matrix``."""


@dataclass(frozen=True)
class HeadInputs:
    """What the head reads of targets, and which ratings these are."""

    rating: Int64[np.ndarray, " rows"]
    """Index of the rating, ascending; of catalogue scores, the movie."""
    features: Float[Tensor, "rows features"]
    mean: Float[Tensor, " rows"]
    """The Gaussian process's prediction, stars."""
    std: Float[Tensor, " rows"]
    """Its standard deviation, stars."""


class OrdinalHead(nn.Module):
    """A discretized normal distribution over the half stars, corrected by a network.

    The network corrects the mean, the standard deviation and the log odds of each half star. Its last layer
    starts at zero, so that the untrained head gives the Gaussian process's own prediction.
    """

    feature_mean: Float[Tensor, " features"]
    feature_std: Float[Tensor, " features"]

    def __init__(self, n_features: int, hidden_dim: int, dropout: float) -> None:
        super().__init__()
        self.register_buffer("feature_mean", torch.zeros(n_features))
        self.register_buffer("feature_std", torch.ones(n_features))
        self.body = nn.Sequential(
            nn.Linear(n_features, hidden_dim),
            nn.SiLU(),
            SeededDropout(dropout),
            nn.Linear(hidden_dim, hidden_dim),
            nn.SiLU(),
            SeededDropout(dropout),
        )
        self.out = nn.Linear(hidden_dim, N_CODES + 2)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def draw_dropout_from(self, generator: torch.Generator) -> None:
        """Draw the masks of dropout from a generator of the head."""
        for module in self.body:
            if isinstance(module, SeededDropout):
                module.generator = generator

    def forward(
        self,
        features: Float[Tensor, "batch features"],
        mean: Float[Tensor, " batch"],
        std: Float[Tensor, " batch"],
    ) -> Float[Tensor, "batch codes"]:
        """Return log probabilities of the half stars 0.5 … 5.

        Args:
            features: from ``HeadFeatures.matrix``.
            mean: the Gaussian process's prediction, stars.
            std: its standard deviation, stars.
        """
        return torch.log_softmax(self.logits(features, mean, std), dim=1)

    def logits(
        self,
        features: Float[Tensor, "batch features"],
        mean: Float[Tensor, " batch"],
        std: Float[Tensor, " batch"],
    ) -> Float[Tensor, "batch codes"]:
        """Return the unnormalized log probabilities; see ``forward``."""
        standardized = ((features - self.feature_mean) / self.feature_std).clamp(-4, 4)
        correction = self.out(self.body(standardized))
        corrected_mean = mean + correction[:, 0]
        corrected_std = std * torch.exp(0.3 * correction[:, 1])
        z = (star_levels(mean) - corrected_mean.unsqueeze(1)) / corrected_std.unsqueeze(1)
        return correction[:, 2:] - z**2 / 2


class HeadEnsemble(nn.ModuleList):
    """Heads whose probabilities are averaged."""

    def __init__(self, n_heads: int, hidden_dim: int, dropout: float) -> None:
        super().__init__(OrdinalHead(N_HEAD_FEATURES, hidden_dim, dropout) for _ in range(n_heads))

    @property
    def members(self) -> list[OrdinalHead]:
        """The heads."""
        return [cast("OrdinalHead", head) for head in self]

    def forward(
        self,
        features: Float[Tensor, "batch features"],
        mean: Float[Tensor, " batch"],
        std: Float[Tensor, " batch"],
    ) -> Float[Tensor, "batch codes"]:
        """Return the mean probabilities of the half stars; arguments as in ``OrdinalHead.forward``."""
        # The half stars come first, as torch takes much longer for a softmax over short rows.
        logits = [head.logits(features, mean, std).T.contiguous() for head in self.members]
        return torch.stack(logits).softmax(dim=1).mean(dim=0).T


def star_levels(like: Tensor) -> Float[Tensor, " codes"]:
    """Return 0.5 … 5 stars with the dtype and on the device of a tensor."""
    return codes_to_stars(torch.arange(1, N_CODES + 1, dtype=like.dtype, device=like.device))


def expected_stars(probabilities: Float[Tensor, "batch codes"]) -> Float[Tensor, " batch"]:
    """Return the mean of each distribution over the half stars, in stars."""
    return probabilities @ star_levels(probabilities)


def log_dispersion(
    squares: Float[Tensor, "*shape"], count: Int64[Tensor, "..."] | int
) -> Float[Tensor, "*shape"]:
    """Return the log of the mean squared standardized residual, shrunk as by ten ratings of dispersion 1.

    Args:
        squares: sum of the squared standardized residuals.
        count: number of residuals.
    """
    return torch.log((squares + DISPERSION_PRIOR) / (count + DISPERSION_PRIOR))

"""Summands of the Gaussian process's covariance function, each a module, and its linear mean function.

Sections are those of Rasmussen & Williams; see ``reelgraph.raters.gp.model``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Float64, Int64, UInt8
from torch import Tensor, nn
from torch.nn.functional import embedding_bag

DAY = 86_400.0
RANK_SCALES = (1.5, 5.0, 20.0, 80.0, 300.0)
"""Length scales of the user drift, in ratings."""
TIME_SCALES = (120.0, 3600.0, DAY, 30 * DAY, 365 * DAY)
"""Length scales of the user drift, in seconds."""
DECAY_RANK_SCALES = (10.0, 100.0)
"""Length scales of the temporal decay, in ratings."""
DECAY_TIME_SCALE = 90 * DAY
"""Length scale of the temporal decay, in seconds."""

MIN_EXPONENT = -40.0
"""Least exponent, above which products with weights down to 1e-20 are normal numbers: others are slow."""

MAX_INDICATORS = 64
"""Most entities of a type that shared ones are counted of by indicators."""

N_MOVIE_FEATURES = 4
"""Length of x; see ``RatingFeatures.movie_features``."""
N_NOISE_FEATURES = 3
"""Length of n; see ``RatingFeatures.noise_features``."""

Square = Float[Tensor, "windows size size"]
Distances = Float[Tensor, "*distances"]
RankDistances = Float[Tensor, "*#distances"]
"""Distances that may be the same for all windows, and then have one row."""


class ConstantKernel(nn.Module):
    """k = θ: the variance of a user's mean rating."""

    def __init__(self, variance: float) -> None:
        super().__init__()
        self.log_variance = log_parameter(variance)

    def forward(self) -> Float[Tensor, "1"]:
        """Return θ, stars²."""
        return self.log_variance.exp()


class WhiteNoise(nn.Module):
    """k(p, q) = θ exp(h_p) for p = q, else 0: the noise variance of a rating."""

    def __init__(self, variance: float) -> None:
        super().__init__()
        self.log_variance = log_parameter(variance)

    def forward(self, log_factor: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Return the noise variance of each rating, stars²; ``log_factor`` is h."""
        return (self.log_variance + log_factor).exp()


class ExponentialKernel(nn.Module):
    """k(d) = Σ_s θ_s · exp(−d / s): a sum of Ornstein-Uhlenbeck processes (section 4.2.1)."""

    def __init__(self, scales: Sequence[float], weight: float) -> None:
        super().__init__()
        self.scales = tuple(scales)
        self.log_weights = log_parameter(weight, len(scales))

    def forward(self, distance: Distances) -> Distances:
        """Return the covariance at distances of the unit of the length scales."""
        return exponential_mixture(distance, self.scales, self.log_weights.exp())


class ScaledDotProductKernel(nn.Module):
    """k(φ, ψ) = Σ_b θ_b · φ_b·ψ_b: a weighted dot product of vectors in one or more blocks.

    The kernel is given by its feature map φ → √θ φ: sums of kernels concatenate them (section 2.1.2).
    """

    def __init__(self, weight: float, n_weights: int = 1) -> None:
        super().__init__()
        self.log_weights = log_parameter(weight, n_weights)

    def weights(self) -> Float[Tensor, " weights"]:
        """Return θ."""
        return self.log_weights.exp()

    def root_weights(self) -> Float[Tensor, " weights"]:
        """Return √θ."""
        return (self.log_weights / 2).exp()


class SharedEntityKernel(nn.Module):
    """k(i, j) = Σ_type θ_type · (number of entities of the type that movies i and j share)."""

    def __init__(self, n_types: int, weight: float) -> None:
        super().__init__()
        self.log_weights = log_parameter(weight, n_types)

    def forward(self, blocks: Sequence[Int64[Tensor, "windows size _"]]) -> Square:
        """Return the covariances between the movies of windows.

        Args:
            blocks: entities of the movies, one block per type; 0 is none.
        """
        windows, size, _ = blocks[0].shape
        counts = self.log_weights.new_empty(len(blocks), windows, size, size)
        for count, block in zip(counts, blocks, strict=True):
            count.copy_(count_shared(block))
        return (self.log_weights.exp() @ counts.view(len(blocks), -1)).view(windows, size, size)

    def diagonal(self, blocks: Sequence[Int64[Tensor, "movies _"]]) -> Float[Tensor, " movies"]:
        """Return k(i, i) of each movie."""
        total = self.log_weights.new_zeros(len(blocks[0]))
        for weight, block in zip(self.log_weights.exp(), blocks, strict=True):
            total = total + weight * (block > 0).sum(dim=1)
        return total

    def cross(
        self, blocks: Sequence[Int64[Tensor, "size _"]], entities: Int64[Tensor, "candidates width"]
    ) -> Float[Tensor, "candidates size"]:
        """Return the covariances between candidates and a history's movies.

        The counts are gathered from a table of the history's entities: comparing all pairs is slower.

        Args:
            blocks: entities of the history's movies, one block per type; 0 is none.
            entities: entities of the candidates, of all types; 0 is none.
        """
        size = len(blocks[0])
        weights = self.log_weights.exp()
        if not size:  # embedding_bag refuses an empty table.
            return weights.new_zeros(len(entities), 0)
        device = weights.device
        present, position = torch.unique(torch.cat(list(blocks), dim=1), return_inverse=True)
        weight = torch.cat([w.expand(block.shape[1]) for w, block in zip(weights, blocks, strict=True)])
        table = weights.new_zeros(len(present) + 1, size)
        table[position + 1, torch.arange(size, device=device).unsqueeze(1)] = weight.expand(position.shape)
        n_entities = 1 + max(int(present[-1]), int(entities.max()))
        row = torch.zeros(n_entities, dtype=torch.int64, device=device)
        row[present] = torch.arange(1, len(present) + 1, device=device)
        row[0] = 0
        return embedding_bag(row[entities], table, mode="sum")  # without padding_idx, which is slow


class TemporalDecay(nn.Module):
    """g(r, t) = 1 + θ_1 exp(−r/10) + θ_2 exp(−r/100) + θ_3 exp(−t/90 days).

    It multiplies the covariance of two movies: preferences are more alike between ratings close in time.
    """

    def __init__(self, weight: float) -> None:
        super().__init__()
        self.log_weights = log_parameter(weight, len(DECAY_RANK_SCALES) + 1)

    def forward(self, rank: RankDistances, time: Distances) -> Distances:
        """Return the factor at distances in ratings and in seconds."""
        weights = self.log_weights.exp()
        by_time = exponential_mixture(time, (DECAY_TIME_SCALE,), weights[-1:])
        return (1 + exponential_mixture(rank, DECAY_RANK_SCALES, weights[:-1])) + by_time


class LinearModel(nn.Module):
    """Regressions on a movie's features: prior mean m = o + β·x, and log noise factor h·n.

    Unrated movies have an offset and slopes of their own.
    """

    def __init__(self) -> None:
        super().__init__()
        self.noise_slopes = nn.Parameter(torch.zeros(N_NOISE_FEATURES))
        self.offset = nn.Parameter(torch.zeros(1))
        self.slopes = nn.Parameter(torch.zeros(N_MOVIE_FEATURES))
        self.unrated_offset = nn.Parameter(torch.zeros(1))
        self.unrated_slopes = nn.Parameter(torch.zeros(N_MOVIE_FEATURES))

    def prior_mean(
        self, x: Float[Tensor, "*shape 4"], is_unrated: Bool[Tensor, "*shape"]
    ) -> Float[Tensor, "*shape"]:
        """Return m, stars."""
        of_rated = self.offset + x @ self.slopes
        of_unrated = self.unrated_offset + x @ self.unrated_slopes
        return torch.where(is_unrated, of_unrated, of_rated)

    def log_noise_factor(self, n: Float[Tensor, "*shape 3"]) -> Float[Tensor, "*shape"]:
        """Return h·n."""
        return n @ self.noise_slopes


def exponential_mixture(
    distance: Distances, scales: tuple[float, ...], weights: Float[Tensor, " scales"]
) -> Distances:
    """Return Σ weight · exp(−distance / scale) as one matrix product, which has a cheap gradient."""
    parts = distance.new_empty(len(scales), *distance.shape)
    for part, scale in zip(parts, scales, strict=True):
        torch.mul(distance, -1 / scale, out=part).clamp_(min=MIN_EXPONENT).exp_()
    return (weights @ parts.view(len(scales), -1)).view(distance.shape)


def pairwise_distances(
    values: Int64[Tensor, "windows size"] | Float64[Tensor, "windows size"], dtype: torch.dtype
) -> Square:
    """Return the absolute differences between the values of each window."""
    values = values.double()  # exact, and faster than integers
    return (values.unsqueeze(2) - values.unsqueeze(1)).abs_().to(dtype)


def count_shared(block: Int64[Tensor, "windows size width"]) -> UInt8[Tensor, "windows size size"]:
    """Count the entities of one type that each two movies of a window share; 0 is none."""
    windows, size, width = block.shape
    if width > 1 and block.any():
        last = block.max()
        first = block.masked_fill(block == 0, last).min()
        n_entities = int(last - first) + 1
        if n_entities <= MAX_INDICATORS:
            return _count_by_indicators(block - first + 1, n_entities)
    rows = block.int().unsqueeze(2)
    columns = block.int().masked_fill(block == 0, -1).unsqueeze(1)
    counts = torch.zeros(windows, size, size, dtype=torch.uint8, device=block.device)
    for i in range(width):
        for j in range(width):
            counts += (rows[..., i] == columns[..., j]).view(torch.uint8)  # adding booleans converts them
    return counts


def _count_by_indicators(
    number: Int64[Tensor, "windows size width"], n_entities: int
) -> UInt8[Tensor, "windows size size"]:
    """Return the same, several times as fast, for entities that are numbered from 1; below 1 is none."""
    indicators = torch.zeros(*number.shape[:2], n_entities + 1, device=number.device)
    indicators = indicators.scatter_(2, number.clamp(min=0), 1.0)[..., 1:]
    return (indicators @ indicators.mT).to(torch.uint8)


def log_parameter(value: float, size: int = 1) -> nn.Parameter:
    """Return a parameter vector that holds the logarithms of positive numbers, all equal at the start."""
    return nn.Parameter(torch.full((size,), math.log(value)))

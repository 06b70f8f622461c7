"""Summands of the Gaussian process's covariance function, each a module with one parameter vector."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Float, Float64, Int64
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

Square = Float[Tensor, "windows size size"]
Distances = Float[Tensor, "*distances"]


class ConstantKernel(nn.Module):
    """k = σ²: the variance of a user's mean rating."""

    def __init__(self, variance: float) -> None:
        super().__init__()
        self.log_variance = log_parameter(variance)

    def forward(self) -> Float[Tensor, "1"]:
        """Return σ², stars²."""
        return self.log_variance.exp()


class WhiteNoise(nn.Module):
    """k(a, b) = σ_n² · exp(h_a) for a = b, else 0: the noise variance of a rating."""

    def __init__(self, variance: float) -> None:
        super().__init__()
        self.log_variance = log_parameter(variance)

    def forward(self, log_factor: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Return the noise variance of each rating, stars²; ``log_factor`` is h."""
        return (self.log_variance + log_factor).exp()


class ExponentialKernel(nn.Module):
    """k(d) = Σ_s a_s · exp(−d / s): a sum of Ornstein-Uhlenbeck processes (R&W, eq. 4.18)."""

    def __init__(self, scales: Sequence[float], weight: float) -> None:
        super().__init__()
        self.scales = tuple(scales)
        self.log_weights = log_parameter(weight, len(scales))

    def forward(self, distance: Distances) -> Distances:
        """Return the covariance at distances of the unit of the length scales."""
        return exponential_mixture(distance, self.scales, self.log_weights.exp())


class ScaledDotProductKernel(nn.Module):
    """k(φ, ψ) = Σ_b a_b · φ_b·ψ_b: a weighted dot product of vectors in one or more blocks.

    The kernel is given by its feature map φ → √a φ: sums of kernels concatenate them (R&W, section 2.1.2).
    """

    def __init__(self, weight: float, n_weights: int = 1) -> None:
        super().__init__()
        self.log_weights = log_parameter(weight, n_weights)

    def weights(self) -> Float[Tensor, " weights"]:
        """Return a."""
        return self.log_weights.exp()

    def root_weights(self) -> Float[Tensor, " weights"]:
        """Return √a."""
        return (self.log_weights / 2).exp()


class SharedEntityKernel(nn.Module):
    """k(i, j) = Σ_type a_type · (number of entities of the type that movies i and j share)."""

    def __init__(self, n_types: int, weight: float) -> None:
        super().__init__()
        self.log_weights = log_parameter(weight, n_types)

    def terms(self, blocks: Sequence[Int64[Tensor, "windows size _"]]) -> Iterator[Square]:
        """Yield the summand of each entity type for the movies of windows.

        Args:
            blocks: entities of the movies, one block per type; 0 is none.
        """
        for weight, block in zip(self.log_weights.exp(), blocks, strict=True):
            yield weight * count_shared(block)

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
        return embedding_bag(row[entities], table, mode="sum", padding_idx=0)


class TemporalDecay(nn.Module):
    """g(r, t) = 1 + a_1 e^(−r/10) + a_2 e^(−r/100) + a_3 e^(−t/90 days).

    It multiplies the covariance of two movies: tastes are more alike between ratings close in time.
    """

    def __init__(self, weight: float) -> None:
        super().__init__()
        self.log_weights = log_parameter(weight, len(DECAY_RANK_SCALES) + 1)

    def forward(self, rank: Distances, time: Distances) -> Distances:
        """Return the factor at distances in ratings and in seconds."""
        weights = self.log_weights.exp()
        by_time = weights[-1] * torch.exp(-time / DECAY_TIME_SCALE)
        return 1 + exponential_mixture(rank, DECAY_RANK_SCALES, weights[:-1]) + by_time


def exponential_mixture(
    distance: Distances, scales: tuple[float, ...], weights: Float[Tensor, " scales"]
) -> Distances:
    """Return Σ weight · exp(−distance / scale) as one matrix product, which has a cheap gradient."""
    parts = distance.new_empty(len(scales), *distance.shape)
    for part, scale in zip(parts, scales, strict=True):
        torch.mul(distance, -1 / scale, out=part).exp_()
    return (weights @ parts.view(len(scales), -1)).view(distance.shape)


def pairwise_distances(
    values: Int64[Tensor, "windows size"] | Float64[Tensor, "windows size"], dtype: torch.dtype
) -> Square:
    """Return the absolute differences between the values of each window."""
    return (values.unsqueeze(2) - values.unsqueeze(1)).abs().to(dtype)


def count_shared(block: Int64[Tensor, "windows size width"]) -> Float[Tensor, "windows size size"]:
    """Count the entities of one type that each two movies of a window share; 0 is none."""
    left = block.int().unsqueeze(2)
    right = block.int().masked_fill(block == 0, -1).unsqueeze(1)
    windows, size, width = block.shape
    counts = torch.zeros(windows, size, size, device=block.device)
    for i in range(width):
        for j in range(width):
            counts += left[..., i] == right[..., j]
    return counts


def log_parameter(value: float, size: int = 1) -> nn.Parameter:
    """Return a parameter vector that holds the logarithms of positive numbers, all equal at the start."""
    return nn.Parameter(torch.full((size,), math.log(value)))

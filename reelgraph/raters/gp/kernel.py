"""Parts of the covariance between ratings of one person: how far apart they are, and what they share."""

from __future__ import annotations

import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor

DAY = 86_400.0
RANKS = (1.5, 5.0, 20.0, 80.0, 300.0)
"""Ranges of mood by the number of ratings between two."""
SECONDS = (120.0, 3600.0, DAY, 30 * DAY, 365 * DAY)
"""Ranges of mood by the time between two."""

Rows = Int64[Tensor, "windows size"]
Square = Float[Tensor, "windows size size"]
Between = Float[Tensor, "*between"]


def decaying(gap: Between, scales: tuple[float, ...], weights: Float[Tensor, " scales"]) -> Between:
    """Return Σ weight · e^(−gap / scale): one product, whose gradient is another."""
    parts = gap.new_empty(len(scales), *gap.shape)
    for part, scale in zip(parts, scales, strict=True):
        torch.mul(gap, -1 / scale, out=part).exp_()
    return (weights @ parts.view(len(scales), -1)).view(gap.shape)


def gaps(values: Int64[Tensor, "windows size"] | Float64[Tensor, "windows size"]) -> Square:
    """Return the distances between the values of each window."""
    return (values.unsqueeze(2) - values.unsqueeze(1)).abs().float()


def shared_entities(block: Int64[Tensor, "windows size width"]) -> Square:
    """Count the entities of one type that two movies share."""
    mine, other = block.int().unsqueeze(2), block.int().masked_fill(block == 0, -1).unsqueeze(1)
    counts = torch.zeros(block.shape[0], block.shape[1], block.shape[1])
    for i in range(block.shape[2]):
        for j in range(block.shape[2]):
            counts += mine[..., i] == other[..., j]
    return counts

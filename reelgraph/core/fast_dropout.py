"""Dropout with 16 random bits per value: the same result as torch's, in a fraction of its time on a CPU."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int16
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

LEVELS = 1 << 16
"""Resolution of the dropout probability."""


class FastDropout:
    """Dropout masks. The caller multiplies by ``scale``, where that is cheapest."""

    def __init__(self, p: float) -> None:
        """Set the probability ``p`` that a value is dropped; always less than 1."""
        self.level = min(round(p * LEVELS), LEVELS - 1)
        self.scale = LEVELS / (LEVELS - self.level)

    def mask(
        self, shape: tuple[int, ...], device: torch.device, generator: torch.Generator | None = None
    ) -> Int16[Tensor, "..."]:
        """Sample a mask: 1 where a value is kept, 0 where it is dropped. Integers are faster than bools.

        NumPy samples in a third of torch's time, from a seed that the generator gives; by default torch's.
        """
        if not self.level:
            return torch.ones(shape, dtype=torch.int16, device=device)
        size = math.prod(shape)
        seed = int(torch.randint(2**62, (), generator=generator))
        bits = np.random.SFC64(seed).random_raw(-(-size // 4)).view(np.int16)[:size]
        return torch.from_numpy(bits).view(shape).to(device).ge_(self.level - LEVELS // 2)


class SeededDropout(nn.Module):
    """Dropout from a generator of its own, so that modules can be trained in parallel."""

    generator: torch.Generator | None = None
    """None: torch's, which all threads share."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.dropout = FastDropout(p)

    def forward(self, values: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Drop values in training, and scale the others."""
        if not self.training:
            return values
        mask = self.dropout.mask(values.shape, values.device, self.generator)
        return values * mask.to(values.dtype).mul_(self.dropout.scale)


class ReluDropout(torch.autograd.Function):
    """ReLU followed by dropout, which saves only the result for the backward pass."""

    @staticmethod
    def forward(
        ctx: Any, values: Float[Tensor, "rows width"], mask: Float[Tensor, "rows width"]
    ) -> Float[Tensor, "rows width"]:
        """Return ``relu(values) * mask``; the mask is 0 or 1."""
        output = values.relu().mul_(mask)
        ctx.save_for_backward(output)
        return output

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Float[Tensor, "rows width"]) -> tuple[Float[Tensor, "rows width"], None]:
        """Return the gradient of the values, which is zero where the output is."""
        (output,) = ctx.saved_tensors
        return torch.ops.aten.threshold_backward(gradient, output, 0), None

"""Drop-out as torch does it, by 16 random bits a value: in a fraction of its time."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int16
from torch import Tensor
from torch.autograd.function import once_differentiable

LEVELS = 1 << 16
"""Steps in which drop-out knows its share."""


class FastDropout:
    """Drop-out of a share; whoever drops multiplies by ``scale`` where that is cheapest."""

    def __init__(self, share: float) -> None:
        """Take the share that is dropped; something is always kept."""
        self.level = min(round(share * LEVELS), LEVELS - 1)
        self.scale = LEVELS / (LEVELS - self.level)

    def mask(self, shape: tuple[int, ...], device: torch.device) -> Int16[Tensor, "..."]:
        """Draw 1 for what is kept and 0 for what isn't: as integers, which are quicker than bools.

        NumPy draws, in a third of torch's time, from a seed that torch draws.
        """
        if not self.level:
            return torch.ones(shape, dtype=torch.int16, device=device)
        size, seed = math.prod(shape), int(torch.randint(2**62, ()))
        drawn = np.random.SFC64(seed).random_raw(-(-size // 4)).view(np.int16)[:size]
        return torch.from_numpy(drawn).view(shape).to(device).ge_(self.level - LEVELS // 2)


class ReluDropout(torch.autograd.Function):
    """ReLU of what is kept; gradients go back where something is left."""

    @staticmethod
    def forward(
        ctx: Any, values: Float[Tensor, "rows width"], kept: Float[Tensor, "rows width"]
    ) -> Float[Tensor, "rows width"]:
        """Return the values above zero times ``kept``, which is 0 or 1."""
        found = values.relu().mul_(kept)
        ctx.save_for_backward(found)
        return found

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, given: Float[Tensor, "rows width"]) -> tuple[Float[Tensor, "rows width"], None]:
        """Return the gradient of the values."""
        (found,) = ctx.saved_tensors
        return torch.ops.aten.threshold_backward(given, found, 0), None

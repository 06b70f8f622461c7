"""ReLU and drop-out in one: what is kept for the gradient is a bit a value's byte, not two matrices."""

from __future__ import annotations

import torch
from jaxtyping import Float32
from torch import Tensor
from torch.autograd.function import FunctionCtx

from reelgraph.dropout import kept


class _Thinned(torch.autograd.Function):
    @staticmethod
    def forward(ctx: FunctionCtx, values: Tensor, share: float) -> Tensor:
        passing, scale = values > 0, 1.0
        if share:
            drawn, scale = kept(values, share)
            passing &= drawn
        ctx.save_for_backward(passing)
        ctx.scale = scale  # type: ignore[attr-defined]
        return _passed(values, passing, scale)

    @staticmethod
    def backward(ctx: FunctionCtx, gradient: Tensor) -> tuple[Tensor, None]:
        (passing,) = ctx.saved_tensors  # type: ignore[attr-defined]
        return _passed(gradient, passing, ctx.scale), None  # type: ignore[attr-defined]


def _passed(values: Tensor, passing: Tensor, scale: float) -> Tensor:
    found = values * passing
    return found if scale == 1 else found.mul_(scale)


def relu_dropped(values: Float32[Tensor, "rows dim"], share: float) -> Float32[Tensor, "rows dim"]:
    """Return what is above 0, without a random share of it, and the rest raised by as much.

    Args:
        values: of which nothing is kept.
        share: of the values that are dropped; 0 where nobody trains.
    """
    return _Thinned.apply(values, share)

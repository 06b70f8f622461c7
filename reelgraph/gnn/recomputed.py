"""What is computed again for the gradient, some rows at a time, so that its inside is never held whole.

Rows that fit the processor's cache are looked up, used, and forgotten; the gradient is the same (Chen et al.
2016, "Training Deep Nets with Sublinear Memory Cost").
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float32, Int64
from torch import Tensor
from torch.autograd.function import FunctionCtx

from reelgraph.gnn.dense import PIECE

OfRows = Callable[..., Tensor]
"""(slice of the result, *rows of own tables, *shared) → [rows of the slice]; draws no random numbers."""


def recomputed(
    function: OfRows, rows: Int64[Tensor, " rows"], own: tuple[Tensor, ...], shared: tuple[Tensor, ...]
) -> Float32[Tensor, " rows"]:
    """Return the function's results for rows of its own tables, keeping nothing of its inside.

    Args:
        function: what is computed of some rows.
        rows: each at most once.
        own: tables of which a result needs its row only.
        shared: what every result needs.
    """
    return _Recomputed.apply(function, rows, len(own), *own, *shared)


class _Recomputed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: FunctionCtx, function: OfRows, rows: Tensor, own: int, *tensors: Tensor) -> Tensor:
        ctx.function, ctx.own = function, own  # type: ignore[attr-defined]
        ctx.save_for_backward(rows, *tensors)
        return torch.cat([function(at, *_taken(tensors, own, rows[at])) for at in _pieces(rows)])

    @staticmethod
    def backward(ctx: FunctionCtx, gradient: Tensor) -> tuple[Tensor | None, ...]:
        rows, *tensors = ctx.saved_tensors  # type: ignore[attr-defined]
        own = ctx.own  # type: ignore[attr-defined]
        found = [torch.zeros_like(each) for each in tensors]
        for at in _pieces(rows):
            leaves = [each.detach().requires_grad_() for each in _taken(tensors, own, rows[at])]
            with torch.enable_grad():
                result = ctx.function(at, *leaves)  # type: ignore[attr-defined]
            some = torch.autograd.grad(result, leaves, gradient[at])
            for whole, part in zip(found[:own], some[:own], strict=True):
                whole[rows[at]] = part
            for whole, part in zip(found[own:], some[own:], strict=True):
                whole += part
        return None, None, None, *found


def _taken(tensors: tuple[Tensor, ...] | list[Tensor], own: int, rows: Tensor) -> list[Tensor]:
    return [*(each[rows] for each in tensors[:own]), *tensors[own:]]


def _pieces(rows: Tensor) -> list[slice]:
    return [slice(start, start + PIECE) for start in range(0, len(rows), PIECE)]

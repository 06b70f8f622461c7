"""The precision of matrix products."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch
from jaxtyping import Float, Float32
from torch import Tensor
from torch.autograd.function import FunctionCtx


@contextmanager
def matmul_precision(precision: Literal["float32", "bfloat16"]) -> Iterator[None]:
    """Let products round to bfloat16, where the CPU has it; sums stay float32."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium" if precision == "bfloat16" else "highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def bf16_enabled() -> bool:
    """Tell whether products on this CPU are to round to bfloat16."""
    asked = torch.get_float32_matmul_precision() == "medium"
    return asked and torch.ops.mkldnn._is_mkldnn_bf16_supported()


PIECE = 1024
"""Rows."""

Term = tuple[Float[Tensor, "rows _"], Float32[Tensor, "types width _"]]
"""Rows, one type's after another's, and each type's weights."""


def linear(
    rows: Float[Tensor, "rows inner"],
    weight: Float32[Tensor, "width inner"],
    bias: Float32[Tensor, " width"] | None = None,
) -> Float32[Tensor, "rows width"]:
    """Return ``rows @ weight.T + bias``, as torch's ``linear`` does."""
    biases = None if bias is None else bias.unsqueeze(0)
    return typed_linear((len(rows),), biases, (rows, weight.unsqueeze(0)))


def typed_linear(
    sizes: tuple[int, ...], bias: Float32[Tensor, "types width"] | None, *terms: Term
) -> Float32[Tensor, "rows width"]:
    """Return the sum over the terms of each row's product with its type's weights, and its type's bias.

    Args:
        sizes: rows of each type.
        bias: of each type.
        terms: what is multiplied; in bfloat16 where ``products_in`` says so.
    """
    rows, weights = zip(*terms, strict=True)
    return _TypedLinear.apply(sizes, bias, *rows, *weights)


def to_matmul_dtype(factor: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """Return what products make of their factors, so that what they read often is rounded once."""
    return factor.bfloat16() if factor.device.type == "cpu" and bf16_enabled() else factor


class _TypedLinear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: FunctionCtx, sizes: tuple[int, ...], bias: Tensor | None, *factors: Tensor) -> Tensor:
        factors = tuple(to_matmul_dtype(each) for each in factors)
        rows, weights = factors[: len(factors) // 2], factors[len(factors) // 2 :]
        ctx.save_for_backward(*factors)
        ctx.sizes = sizes  # type: ignore[attr-defined]
        found = rows[0].new_empty(len(rows[0]), weights[0].shape[1], dtype=torch.float32)
        for kind, at in row_chunks(sizes, found):
            for place, (some, weight) in enumerate(zip(rows, weights, strict=True)):
                _multiply(some[at], weight[kind].T, found[at], place > 0)
            if bias is not None:
                found[at] += bias[kind]
        return found

    @staticmethod
    def backward(ctx: FunctionCtx, gradient: Tensor) -> tuple[Tensor | None, ...]:
        factors, sizes = ctx.saved_tensors, ctx.sizes  # type: ignore[attr-defined]
        _, of_bias, *needed = ctx.needs_input_grad  # type: ignore[attr-defined]
        half, slope = len(factors) // 2, to_matmul_dtype(gradient)
        bias = torch.stack([each.sum(dim=0) for each in gradient.split(sizes)]) if of_bias else None
        found = [
            function(slope, other, sizes) if need else None
            for function, other, need in zip(
                [_to_rows] * half + [_to_weights] * half, factors[half:] + factors[:half], needed, strict=True
            )
        ]
        return None, bias, *found


def _to_rows(slope: Tensor, weight: Tensor, sizes: tuple[int, ...]) -> Tensor:
    found = slope.new_empty(len(slope), weight.shape[2], dtype=torch.float32)
    for kind, at in row_chunks(sizes, found):
        _multiply(slope[at], weight[kind], found[at])
    return found


def _to_weights(slope: Tensor, rows: Tensor, sizes: tuple[int, ...]) -> Tensor:
    pairs = zip(slope.split(sizes), rows.split(sizes), strict=True)
    return torch.stack([(part.T @ some).float() for part, some in pairs])


def _multiply(left: Tensor, right: Tensor, out: Tensor, add: bool = False) -> None:
    if left.dtype == torch.bfloat16:
        product = left @ right
        out.add_(product.float()) if add else out.copy_(product)
    elif add:
        torch.addmm(out, left, right, out=out)
    else:
        torch.mm(left, right, out=out)


def row_chunks(sizes: tuple[int, ...], like: Tensor) -> Iterator[tuple[int, slice]]:
    """Cut each type's rows into pieces that fit a processor's cache; on a GPU's tensors they are one."""
    most, start = PIECE if like.device.type == "cpu" else max(1, len(like)), 0
    for kind, size in enumerate(sizes):
        for low in range(start, start + size, most):
            yield kind, slice(low, min(low + most, start + size))
        start += size

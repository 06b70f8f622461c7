"""Matrix products of many rows, computed in chunks of rows, in float32 or bfloat16.

With many rows and a width that is no multiple of 8, such as the GNN's 300, MKL reaches 55 of the 85 GFLOPS
per thread that it reaches with fewer rows. Chunking takes two thirds of the time of torch's ``linear``. Rows
of several types, each with its own weights, are written directly into one matrix.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from jaxtyping import Float, Float32
from torch import Tensor
from torch.autograd.function import FunctionCtx

CHUNK_ROWS = 1024

Term = tuple[Float[Tensor, "rows _"], Float32[Tensor, "types width _"]]
"""Rows, grouped by type, and the weights of each type."""


def linear(
    rows: Float[Tensor, "rows inner"],
    weight: Float32[Tensor, "width inner"],
    bias: Float32[Tensor, " width"] | None = None,
    dtype: torch.dtype = torch.float32,
) -> Float32[Tensor, "rows width"]:
    """Return ``rows @ weight.T + bias``, like torch's ``linear``.

    Args:
        rows: one vector per row.
        weight: one row per output.
        bias: one number per output.
        dtype: of the factors, as ``matmul_dtype`` returns it.
    """
    biases = None if bias is None else bias.unsqueeze(0)
    return typed_linear((len(rows),), biases, (rows, weight.unsqueeze(0)), dtype=dtype)


def typed_linear(
    sizes: tuple[int, ...],
    bias: Float32[Tensor, "types width"] | None,
    *terms: Term,
    dtype: torch.dtype = torch.float32,
) -> Float32[Tensor, "rows width"]:
    """Return, for each row, the sum over terms of its product with its type's weights, plus its type's bias.

    Args:
        sizes: number of rows of each type.
        bias: one row per type.
        terms: rows and weights to multiply.
        dtype: of the factors, as ``matmul_dtype`` returns it.
    """
    rows, weights = zip(*terms, strict=True)
    return _TypedLinear.apply(sizes, dtype, bias, *rows, *weights)


class _TypedLinear(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: FunctionCtx, sizes: tuple[int, ...], dtype: torch.dtype, bias: Tensor | None, *factors: Tensor
    ) -> Tensor:
        factors = tuple(factor.to(dtype) for factor in factors)
        n_terms = len(factors) // 2
        rows = factors[:n_terms]
        weights = factors[n_terms:]
        ctx.save_for_backward(*factors)
        ctx.sizes = sizes  # type: ignore[attr-defined]
        ctx.dtype = dtype  # type: ignore[attr-defined]
        output = rows[0].new_empty(len(rows[0]), weights[0].shape[1], dtype=torch.float32)
        for type_index, chunk in row_chunks(sizes, output):
            for term, (term_rows, weight) in enumerate(zip(rows, weights, strict=True)):
                _multiply(term_rows[chunk], weight[type_index].T, output[chunk], accumulate=term > 0)
            if bias is not None:
                output[chunk] += bias[type_index]
        return output

    @staticmethod
    def backward(ctx: FunctionCtx, gradient: Tensor) -> tuple[Tensor | None, ...]:
        factors = ctx.saved_tensors  # type: ignore[attr-defined]
        sizes = ctx.sizes  # type: ignore[attr-defined]
        _, _, bias_needs_grad, *needs_grad = ctx.needs_input_grad  # type: ignore[attr-defined]
        n_terms = len(factors) // 2
        slope = gradient.to(ctx.dtype)  # type: ignore[attr-defined]
        bias_gradient = None
        if bias_needs_grad:
            bias_gradient = torch.stack([part.sum(dim=0) for part in gradient.split(sizes)])
        functions = [_rows_gradient] * n_terms + [_weights_gradient] * n_terms
        partners = factors[n_terms:] + factors[:n_terms]
        gradients = [
            function(slope, partner, sizes) if needs else None
            for function, partner, needs in zip(functions, partners, needs_grad, strict=True)
        ]
        return None, None, bias_gradient, *gradients


def _rows_gradient(slope: Tensor, weight: Tensor, sizes: tuple[int, ...]) -> Tensor:
    gradient = slope.new_empty(len(slope), weight.shape[2], dtype=torch.float32)
    for type_index, chunk in row_chunks(sizes, gradient):
        _multiply(slope[chunk], weight[type_index], gradient[chunk])
    return gradient


def _weights_gradient(slope: Tensor, rows: Tensor, sizes: tuple[int, ...]) -> Tensor:
    pairs = zip(slope.split(sizes), rows.split(sizes), strict=True)
    return torch.stack([(slope_part.T @ rows_part).float() for slope_part, rows_part in pairs])


def _multiply(a: Tensor, b: Tensor, out: Tensor, accumulate: bool = False) -> None:
    """Write ``a @ b`` to ``out``, or add it."""
    if a.dtype == torch.bfloat16:
        product = a @ b
        if accumulate:
            out.add_(product.float())
        else:
            out.copy_(product)
    elif accumulate:
        torch.addmm(out, a, b, out=out)
    else:
        torch.mm(a, b, out=out)


def row_chunks(sizes: tuple[int, ...], like: Tensor) -> Iterator[tuple[int, slice]]:
    """Yield type index and slice of chunks that fit into the CPU's cache. On a GPU a type is one chunk.

    Args:
        sizes: number of rows of each type.
        like: tensor on the device where the rows are.
    """
    chunk_rows = CHUNK_ROWS if like.device.type == "cpu" else max(1, len(like))
    start = 0
    for type_index, size in enumerate(sizes):
        end = start + size
        for chunk_start in range(start, end, chunk_rows):
            yield type_index, slice(chunk_start, min(chunk_start + chunk_rows, end))
        start = end

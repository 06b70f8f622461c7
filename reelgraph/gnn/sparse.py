"""Sparse matrices of a static graph, with their transposes; the products that training needs."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import torch
from jaxtyping import Float32, Int64
from torch import Tensor
from torch.autograd.function import FunctionCtx
from torch.nn.functional import embedding_bag


@dataclass(frozen=True)
class CsrMatrix:
    """A sparse matrix by rows: row r has the entries ``starts[r] … starts[r + 1]``."""

    starts: Int64[Tensor, " rows_plus_1"]
    columns: Int64[Tensor, " entries"]
    values: Float32[Tensor, " entries"]
    width: int

    def __matmul__(self, dense: Float32[Tensor, "columns dim"]) -> Float32[Tensor, "rows dim"]:
        """Return the product, without gradient."""
        # embedding_bag: twice as fast as torch's sparse CSR product, and summed in a fixed order.
        return embedding_bag(
            self.columns, dense, self.starts, mode="sum",
            per_sample_weights=self.values, include_last_offset=True,
        )  # fmt: skip


def build_csr(
    rows: Int64[Tensor, " entries"],
    columns: Int64[Tensor, " entries"],
    values: Float32[Tensor, " entries"],
    shape: tuple[int, int],
) -> CsrMatrix:
    """Sort entries by row, keeping their order within a row."""
    # Half the width sorts many times as fast.
    ordered, order = rows.int().sort(stable=True)
    return CsrMatrix(row_offsets(ordered, shape[0]), columns[order], values[order], shape[1])


def row_offsets(ordered: Tensor, rows: int) -> Int64[Tensor, " rows_plus_1"]:
    """Return where each row's entries start, for ascending row numbers."""
    return torch.searchsorted(ordered, torch.arange(rows + 1, dtype=ordered.dtype, device=ordered.device))


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx: FunctionCtx, dense: Tensor, matrix: CsrMatrix, transposed: CsrMatrix) -> Tensor:
        ctx.transposed = transposed  # type: ignore[attr-defined]
        return matrix @ dense

    @staticmethod
    def backward(ctx: FunctionCtx, gradient: Tensor) -> tuple[Tensor, None, None]:
        return ctx.transposed @ gradient.contiguous(), None, None  # type: ignore[attr-defined]


def sparse_matmul(
    matrix: CsrMatrix, transposed: CsrMatrix, dense: Float32[Tensor, "columns dim"]
) -> Float32[Tensor, "rows dim"]:
    """Return ``matrix @ dense``; its gradient is a product with the stored transpose."""
    return _Product.apply(dense, matrix, transposed)


class _PairDots(torch.autograd.Function):
    @staticmethod
    def forward(ctx: FunctionCtx, left: Tensor, right: Tensor, starts: Tensor, columns: Tensor) -> Tensor:
        ctx.save_for_backward(left, right, starts, columns)
        size, zeros = (len(left), len(right)), left.new_zeros(len(columns))
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")
            pattern = torch.sparse_csr_tensor(starts, columns, zeros, size, check_invariants=False)
        return torch.sparse.sampled_addmm(pattern, left, right.t()).values()

    @staticmethod
    def backward(ctx: FunctionCtx, gradient: Tensor) -> tuple[Tensor, Tensor, None, None]:
        left, right, starts, columns = ctx.saved_tensors  # type: ignore[attr-defined]
        # A GPU's gradients are computed in a thread that has no default device.
        rows = torch.repeat_interleave(torch.arange(len(left), device=left.device), starts.diff())
        values = gradient.contiguous()
        of_left = CsrMatrix(starts, columns, values, len(right)) @ right
        of_right = build_csr(columns, rows, values, (len(right), len(left))) @ left
        return of_left, of_right, None, None


def pair_dots(
    left: Float32[Tensor, "rows dim"],
    right: Float32[Tensor, "columns dim"],
    starts: Int64[Tensor, " rows_plus_1"],
    columns: Int64[Tensor, " pairs"],
) -> Float32[Tensor, " pairs"]:
    """Return ``left[row] · right[column]`` for the pairs of a CSR pattern, without a gathered row a pair."""
    if left.device.type not in ("cpu", "cuda"):  # torch has no such product elsewhere
        return gathered_pair_dots(left, right, starts, columns)
    return _PairDots.apply(left, right, starts, columns)


def gathered_pair_dots(
    left: Float32[Tensor, "rows dim"],
    right: Float32[Tensor, "columns dim"],
    starts: Int64[Tensor, " rows_plus_1"],
    columns: Int64[Tensor, " pairs"],
) -> Float32[Tensor, " pairs"]:
    """Return what ``pair_dots`` does, from two gathered rows a pair."""
    places = torch.arange(len(columns), device=columns.device)
    rows = torch.searchsorted(starts, places, right=True) - 1
    return (left[rows] * right[columns]).sum(dim=1)


@dataclass(frozen=True)
class NeighbourLists:
    """Who is linked to whom: query q has the neighbours ``columns[starts[q] … starts[q + 1]]``."""

    starts: Int64[Tensor, " queries_plus_1"]
    columns: Int64[Tensor, " edges"]
    width: int
    """How many nodes there are to be linked to."""

    def pairs(self, queries: Int64[Tensor, " rows"]) -> tuple[Tensor, Tensor]:
        """Return row (place in ``queries``) and column of each edge that a query has."""
        counts = self.starts.diff()[queries]
        rows = torch.repeat_interleave(torch.arange(len(queries)), counts)
        within = torch.arange(len(rows)) - (counts.cumsum(0) - counts)[rows]
        return rows, self.columns[self.starts[queries][rows] + within]


def build_neighbour_lists(
    queries: Int64[Tensor, " edges"], others: Int64[Tensor, " edges"], shape: tuple[int, int]
) -> NeighbourLists:
    """Sort edges by query."""
    ordered, order = queries.sort(stable=True)
    return NeighbourLists(row_offsets(ordered, shape[0]), others[order], shape[1])

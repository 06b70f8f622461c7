"""Sparse matrices of a fixed graph in CSR form, and their differentiable products with dense matrices."""

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
    """A sparse matrix in CSR form: row r has the entries ``offsets[r] … offsets[r + 1]``."""

    offsets: Int64[Tensor, " rows_plus_1"]
    columns: Int64[Tensor, " entries"]
    values: Float32[Tensor, " entries"]
    n_columns: int

    def __matmul__(self, dense: Float32[Tensor, "columns dim"]) -> Float32[Tensor, "rows dim"]:
        """Return the product with a dense matrix, without gradient."""
        # embedding_bag is twice as fast as torch's sparse CSR product, and sums in a fixed order.
        return embedding_bag(
            self.columns, dense, self.offsets, mode="sum",
            per_sample_weights=self.values, include_last_offset=True,
        )  # fmt: skip


def build_csr(
    rows: Int64[Tensor, " entries"],
    columns: Int64[Tensor, " entries"],
    values: Float32[Tensor, " entries"],
    shape: tuple[int, int],
) -> CsrMatrix:
    """Sort entries by row, keeping their order within a row."""
    # int32 sorts many times as fast as int64.
    sorted_rows, order = rows.int().sort(stable=True)
    return CsrMatrix(row_offsets(sorted_rows, shape[0]), columns[order], values[order], shape[1])


def row_offsets(sorted_rows: Tensor, n_rows: int) -> Int64[Tensor, " rows_plus_1"]:
    """Return where the entries of each row start, given ascending row numbers."""
    rows = torch.arange(n_rows + 1, dtype=sorted_rows.dtype, device=sorted_rows.device)
    return torch.searchsorted(sorted_rows, rows)


class _SparseMatmul(torch.autograd.Function):
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
    """Return ``matrix @ dense``. The gradient is a product with the stored transpose."""
    return _SparseMatmul.apply(dense, matrix, transposed)


class _PairDots(torch.autograd.Function):
    @staticmethod
    def forward(ctx: FunctionCtx, a: Tensor, b: Tensor, offsets: Tensor, columns: Tensor) -> Tensor:
        ctx.save_for_backward(a, b, offsets, columns)
        shape = (len(a), len(b))
        zeros = a.new_zeros(len(columns))
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")
            pattern = torch.sparse_csr_tensor(offsets, columns, zeros, shape, check_invariants=False)
        return torch.sparse.sampled_addmm(pattern, a, b.t()).values()

    @staticmethod
    def backward(ctx: FunctionCtx, gradient: Tensor) -> tuple[Tensor, Tensor, None, None]:
        a, b, offsets, columns = ctx.saved_tensors  # type: ignore[attr-defined]
        rows = torch.repeat_interleave(torch.arange(len(a), device=a.device), offsets.diff())
        values = gradient.contiguous()
        a_gradient = CsrMatrix(offsets, columns, values, len(b)) @ b
        b_gradient = build_csr(columns, rows, values, (len(b), len(a))) @ a
        return a_gradient, b_gradient, None, None


def pair_dots(
    a: Float32[Tensor, "rows dim"],
    b: Float32[Tensor, "columns dim"],
    offsets: Int64[Tensor, " rows_plus_1"],
    columns: Int64[Tensor, " pairs"],
) -> Float32[Tensor, " pairs"]:
    """Return ``a[row] · b[column]`` for the pairs of a CSR pattern, without gathering rows."""
    if a.device.type not in ("cpu", "cuda"):  # torch has no sampled_addmm for other devices
        return gathered_pair_dots(a, b, offsets, columns)
    return _PairDots.apply(a, b, offsets, columns)


def gathered_pair_dots(
    a: Float32[Tensor, "rows dim"],
    b: Float32[Tensor, "columns dim"],
    offsets: Int64[Tensor, " rows_plus_1"],
    columns: Int64[Tensor, " pairs"],
) -> Float32[Tensor, " pairs"]:
    """Return the same as ``pair_dots``, from two gathered rows per pair."""
    pairs = torch.arange(len(columns), device=columns.device)
    rows = torch.searchsorted(offsets, pairs, right=True) - 1
    return (a[rows] * b[columns]).sum(dim=1)


@dataclass(frozen=True)
class NeighbourLists:
    """Neighbours of each query node: ``columns[offsets[query] … offsets[query + 1]]``."""

    offsets: Int64[Tensor, " queries_plus_1"]
    columns: Int64[Tensor, " edges"]
    n_nodes: int
    """Number of nodes on the other side."""

    def pairs(self, queries: Int64[Tensor, " rows"]) -> tuple[Tensor, Tensor]:
        """Return, for each edge of the queries, the position of its query and its neighbour."""
        device = self.columns.device
        counts = self.offsets.diff()[queries]
        positions = torch.repeat_interleave(torch.arange(len(queries), device=device), counts)
        within = torch.arange(len(positions), device=device) - (counts.cumsum(0) - counts)[positions]
        return positions, self.columns[self.offsets[queries][positions] + within]


def build_neighbour_lists(
    queries: Int64[Tensor, " edges"], neighbours: Int64[Tensor, " edges"], shape: tuple[int, int]
) -> NeighbourLists:
    """Sort edges by query.

    Args:
        queries: query node of each edge.
        neighbours: node at the other end.
        shape: number of query nodes, and of nodes on the other side.
    """
    sorted_queries, order = queries.sort(stable=True)
    return NeighbourLists(row_offsets(sorted_queries, shape[0]), neighbours[order], shape[1])

"""log Σ exp of a table's rows, some rows at a time, so that the table is never held whole.

Rows that fit the cache are scored, summed up and forgotten; for the gradient they are scored again
(Chen et al. 2016, "Training Deep Nets with Sublinear Memory Cost"), and what was summed up is known.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float32, Int64
from torch import Tensor
from torch.autograd.function import FunctionCtx

from reelgraph.gnn.dense import pieces

Table = Callable[..., Float32[Tensor, "rows columns"]]
"""(*rows of own tensors, *shared) → logits; draws no random numbers."""

Hidden = tuple[Int64[Tensor, " cells"], Int64[Tensor, " cells"]]
"""Rows, ascending, and columns of the logits that don't count."""

NEVER = -1e9
"""Logit of what doesn't count; finite, since gradients at −∞ are not."""


def log_sums(
    table: Table, rows: Int64[Tensor, " rows"],
    own: tuple[Tensor, ...], shared: tuple[Tensor, ...], hidden: Hidden,
) -> Float32[Tensor, " rows"]:  # fmt: skip
    """Return log Σ exp over each row of a table.

    Args:
        table: of which only a piece is ever there.
        rows: which rows of ``own`` the table has, each at most once.
        own: tensors of which a row of the table needs its row only.
        shared: what every row needs.
        hidden: cells to leave out.
    """
    return _LogSums.apply(table, hidden, rows, len(own), *own, *shared)


class _LogSums(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: FunctionCtx, table: Table, hidden: Hidden, rows: Tensor, own: int, *tensors: Tensor
    ) -> Tensor:
        found = tensors[0].new_empty(len(rows))
        for _, at in pieces((len(rows),), rows):
            found[at] = _without(table(*_taken(tensors, own, rows[at])), hidden, at).logsumexp(dim=1)
        ctx.table, ctx.own = table, own  # type: ignore[attr-defined]
        ctx.save_for_backward(found, rows, *hidden, *tensors)
        return found

    @staticmethod
    def backward(ctx: FunctionCtx, gradient: Tensor) -> tuple[Tensor | None, ...]:
        sums, rows, *cells = ctx.saved_tensors[:4]  # type: ignore[attr-defined]
        hidden, own = (cells[0], cells[1]), ctx.own  # type: ignore[attr-defined]
        tensors = ctx.saved_tensors[4:]  # type: ignore[attr-defined]
        found = [torch.zeros_like(each) for each in tensors]
        for _, at in pieces((len(rows),), rows):
            leaves = [each.detach().requires_grad_() for each in _taken(tensors, own, rows[at])]
            with torch.enable_grad():
                logits = ctx.table(*leaves)  # type: ignore[attr-defined]
            shares = _without(logits.detach().clone(), hidden, at).sub_(sums[at].unsqueeze(1)).exp_()
            some = torch.autograd.grad(logits, leaves, shares.mul_(gradient[at].unsqueeze(1)))
            for whole, part in zip(found[:own], some[:own], strict=True):
                whole[rows[at]] = part
            for whole, part in zip(found[own:], some[own:], strict=True):
                whole += part
        return None, None, None, None, *found


def _taken(tensors: tuple[Tensor, ...], own: int, rows: Tensor) -> list[Tensor]:
    return [*(each[rows] for each in tensors[:own]), *tensors[own:]]


def _without(logits: Tensor, hidden: Hidden, at: slice) -> Tensor:
    """Hide cells in place."""
    row, column = hidden
    low, high = torch.searchsorted(row, row.new_tensor([at.start, at.stop])).tolist()
    logits[row[low:high] - at.start, column[low:high]] = NEVER
    return logits

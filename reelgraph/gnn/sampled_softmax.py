"""log Σ exp of a table's rows, some rows at a time, so that the table is never held whole.

Rows that fit the cache are scored, summed up and forgotten; for the gradient they are scored again
(Chen et al. 2016, "Training Deep Nets with Sublinear Memory Cost"), and what was summed up is known.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from jaxtyping import Float32, Int64
from torch import Tensor
from torch.autograd.function import FunctionCtx

from reelgraph.gnn.chunked_linear import linear, row_chunks
from reelgraph.gnn.decoders import Decoder, NodeSide
from reelgraph.gnn.link_splits import LinkTask, RankingQueries

Table = Callable[..., Float32[Tensor, "rows columns"]]
"""(*rows of own tensors, *shared) → logits; draws no random numbers."""

Hidden = tuple[Int64[Tensor, " cells"], Int64[Tensor, " cells"]]
"""Rows, ascending, and columns of the logits that don't count."""

MASKED_LOGIT = -1e9
"""Logit of what doesn't count; finite, since gradients at −∞ are not."""


def chunked_logsumexp(
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
        for _, at in row_chunks((len(rows),), rows):
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
        for _, at in row_chunks((len(rows),), rows):
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
    logits[row[low:high] - at.start, column[low:high]] = MASKED_LOGIT
    return logits


NEGATIVES = 512
"""Candidates drawn a relation, end and step; all where there are no more."""


def sampled_softmax_loss(scores: Decoder, task: LinkTask, generator: torch.Generator) -> Float32[Tensor, ""]:
    """Return the mean over edges, summed over both ends and all relations."""
    total = torch.zeros(())
    for kind, of_movies in task.movie_queries.items():
        if len(of_movies.queries):
            movies, entities = scores.ends(kind)
            own = scores.pairs(movies, entities, of_movies.queries, of_movies.targets)
            total = total + _cross_entropy(scores, of_movies, movies, entities, own, generator)
            total = total + _cross_entropy(
                scores, task.entity_queries[kind], entities, movies, own, generator
            )
    return total


def _cross_entropy(
    scores: Decoder, side: RankingQueries, queries: NodeSide, candidates: NodeSide,
    own: Float32[Tensor, " edges"], generator: torch.Generator,
) -> Float32[Tensor, ""]:  # fmt: skip
    rows, row_of = side.queries.unique(return_inverse=True)
    drawn = sample_candidates(side.known_neighbours.width, generator)
    hidden = known_cells(side, rows, drawn)

    def table(vectors: Tensor, bias: Tensor, theirs: Tensor, their_bias: Tensor) -> Tensor:
        return scores.joined(linear(vectors, theirs), bias.unsqueeze(1), their_bias)

    shared = (candidates.vectors[drawn], candidates.bias[drawn])
    others = chunked_logsumexp(table, rows, (queries.vectors, queries.bias), shared, hidden)
    raised = others + math.log(side.known_neighbours.width / len(drawn))
    return (torch.logaddexp(raised[row_of], own) - own).mean()


def sample_candidates(nodes: int, generator: torch.Generator) -> Tensor:
    """Draw candidates without replacement."""
    if nodes <= NEGATIVES:
        return torch.arange(nodes)
    drawn = torch.randperm(nodes, generator=generator, device="cpu")[:NEGATIVES]
    return drawn.to(torch.get_default_device())


def known_cells(side: RankingQueries, rows: Tensor, drawn: Tensor) -> tuple[Tensor, Tensor]:
    """Return place of the row, ascending, and place of the node, for the known neighbours that were drawn."""
    place = torch.full((side.known_neighbours.width,), -1)
    place[drawn] = torch.arange(len(drawn))
    row, column = side.known_neighbours.pairs(rows)
    column = place[column]
    return row[column >= 0], column[column >= 0]

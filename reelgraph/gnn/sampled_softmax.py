"""Sampled softmax loss of link prediction, with memory that does not grow with the table of logits.

For each edge, the true node competes with other nodes of its type, on both sides of the relation. Candidates
are a uniform sample per relation and step, whose sum is scaled up to all candidates: the log Q correction of
Bengio and Senécal 2008, "Adaptive Importance Sampling to Accelerate Training of a Neural Probabilistic
Language Model".

Logits are computed in chunks of rows, reduced and discarded. The backward pass computes them again (Chen et
al. 2016, "Training Deep Nets with Sublinear Memory Cost").
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

LogitFunction = Callable[..., Float32[Tensor, "rows columns"]]
"""(*rows of per-row tensors, *shared tensors) → logits; deterministic."""

MaskedCells = tuple[Int64[Tensor, " cells"], Int64[Tensor, " cells"]]
"""Rows, ascending, and columns of the logits to leave out."""

MASKED_LOGIT = -1e9
"""Logit of a masked cell; finite, since gradients at −∞ are not."""

N_NEGATIVES = 512
"""Candidates per relation, side and step; all nodes if there are no more."""


def sampled_softmax_loss(scores: Decoder, task: LinkTask, generator: torch.Generator) -> Float32[Tensor, ""]:
    """Return the cross-entropy, averaged over edges and summed over both sides and all relations.

    Args:
        scores: of the message graph.
        task: edges to predict; known neighbours are no negatives.
        generator: draws the candidates, on the CPU.
    """
    total = torch.zeros(())
    for entity_type, movie_queries in task.movie_queries.items():
        if len(movie_queries.queries):
            movies, entities = scores.sides(entity_type)
            true_scores = scores.score_pairs(movies, entities, movie_queries.queries, movie_queries.targets)
            entity_queries = task.entity_queries[entity_type]
            total = total.to(true_scores.device)
            total = total + _cross_entropy(scores, movie_queries, movies, entities, true_scores, generator)
            total = total + _cross_entropy(scores, entity_queries, entities, movies, true_scores, generator)
    return total


def _cross_entropy(
    scores: Decoder, ranking: RankingQueries, queries: NodeSide, candidates: NodeSide,
    true_scores: Float32[Tensor, " edges"], generator: torch.Generator,
) -> Float32[Tensor, ""]:  # fmt: skip
    """Return the mean cross-entropy of one relation, from one side."""
    rows, row_of_edge = ranking.queries.unique(return_inverse=True)
    n_nodes = ranking.neighbour_lists.n_nodes
    sampled = sample_candidates(n_nodes, generator, rows.device)
    masked = neighbour_cells(ranking, rows, sampled)

    def logits(vectors: Tensor, bias: Tensor, candidate_vectors: Tensor, candidate_bias: Tensor) -> Tensor:
        dots = linear(vectors, candidate_vectors, dtype=scores.matmul_dtype)
        return scores.combine(dots, bias.unsqueeze(1), candidate_bias)

    shared = (candidates.vectors[sampled], candidates.bias[sampled])
    negatives = chunked_logsumexp(logits, rows, (queries.vectors, queries.bias), shared, masked)
    corrected = negatives + math.log(n_nodes / len(sampled))
    return (torch.logaddexp(corrected[row_of_edge], true_scores) - true_scores).mean()


def sample_candidates(n_nodes: int, generator: torch.Generator, device: torch.device) -> Tensor:
    """Return all nodes, or ``N_NEGATIVES`` of them, sampled without replacement."""
    if n_nodes <= N_NEGATIVES:
        return torch.arange(n_nodes, device=device)
    return torch.randperm(n_nodes, generator=generator)[:N_NEGATIVES].to(device)


def neighbour_cells(ranking: RankingQueries, rows: Tensor, sampled: Tensor) -> MaskedCells:
    """Return the cells of known neighbours in the table of query rows and sampled candidates."""
    column_of_node = torch.full((ranking.neighbour_lists.n_nodes,), -1, device=sampled.device)
    column_of_node[sampled] = torch.arange(len(sampled), device=sampled.device)
    row, node = ranking.neighbour_lists.pairs(rows)
    column = column_of_node[node]
    return row[column >= 0], column[column >= 0]


def chunked_logsumexp(
    logits: LogitFunction, rows: Int64[Tensor, " rows"],
    per_row: tuple[Tensor, ...], shared: tuple[Tensor, ...], masked: MaskedCells,
) -> Float32[Tensor, " rows"]:  # fmt: skip
    """Return log Σ exp over each row of a table of logits, of which only a chunk is in memory at a time.

    Args:
        logits: computes a chunk of the table.
        rows: rows of ``per_row`` that make up the table, each at most once.
        per_row: tensors of which a row of the table needs only one row.
        shared: tensors that every row needs.
        masked: cells to leave out.
    """
    return _ChunkedLogSumExp.apply(logits, masked, rows, len(per_row), *per_row, *shared)


class _ChunkedLogSumExp(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: FunctionCtx, logits: LogitFunction, masked: MaskedCells, rows: Tensor, n_per_row: int,
        *tensors: Tensor,
    ) -> Tensor:  # fmt: skip
        sums = tensors[0].new_empty(len(rows))
        for _, chunk in row_chunks((len(rows),), rows):
            table = logits(*_select_rows(tensors, n_per_row, rows[chunk]))
            sums[chunk] = _mask(table, masked, chunk).logsumexp(dim=1)
        ctx.logits = logits  # type: ignore[attr-defined]
        ctx.n_per_row = n_per_row  # type: ignore[attr-defined]
        ctx.save_for_backward(sums, rows, *masked, *tensors)
        return sums

    @staticmethod
    def backward(ctx: FunctionCtx, gradient: Tensor) -> tuple[Tensor | None, ...]:
        sums, rows, masked_rows, masked_columns, *tensors = ctx.saved_tensors  # type: ignore[attr-defined]
        n_per_row = ctx.n_per_row  # type: ignore[attr-defined]
        gradients = [torch.zeros_like(tensor) for tensor in tensors]
        for _, chunk in row_chunks((len(rows),), rows):
            inputs = _select_rows(tuple(tensors), n_per_row, rows[chunk])
            leaves = [tensor.detach().requires_grad_() for tensor in inputs]
            with torch.enable_grad():
                table = ctx.logits(*leaves)  # type: ignore[attr-defined]
            masked_table = _mask(table.detach().clone(), (masked_rows, masked_columns), chunk)
            softmax = masked_table.sub_(sums[chunk].unsqueeze(1)).exp_()
            chunk_gradients = torch.autograd.grad(table, leaves, softmax.mul_(gradient[chunk].unsqueeze(1)))
            for index, chunk_gradient in enumerate(chunk_gradients):
                if index < n_per_row:
                    gradients[index][rows[chunk]] = chunk_gradient
                else:
                    gradients[index] += chunk_gradient
        return None, None, None, None, *gradients


def _select_rows(tensors: tuple[Tensor, ...], n_per_row: int, rows: Tensor) -> list[Tensor]:
    return [*(tensor[rows] for tensor in tensors[:n_per_row]), *tensors[n_per_row:]]


def _mask(logits: Tensor, masked: MaskedCells, chunk: slice) -> Tensor:
    """Mask cells of a chunk in place."""
    rows, columns = masked
    low, high = torch.searchsorted(rows, rows.new_tensor([chunk.start, chunk.stop])).tolist()
    logits[rows[low:high] - chunk.start, columns[low:high]] = MASKED_LOGIT
    return logits

"""Sampled softmax loss of link prediction, with memory that does not grow with the table of logits.

For each edge, the true node competes with other nodes of its type, on both sides of the relation. Candidates
are a uniform sample per relation and step, whose sum is scaled up to all candidates: the log Q correction of
Bengio and Senécal 2008, "Adaptive Importance Sampling to Accelerate Training of a Neural Probabilistic
Language Model".

Scores are computed in chunks of rows, each reduced to a loss and its gradient and then discarded (Hsu et al.
2024, "Liger Kernel: Efficient Triton Kernels for LLM Training", fused linear cross-entropy).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float32, Int64
from torch import Tensor
from torch.autograd.function import FunctionCtx
from torch.nn.functional import softplus

from reelgraph.gnn.chunked_linear import linear, row_chunks
from reelgraph.gnn.decoders import Decoder, NodeSide
from reelgraph.gnn.link_splits import LinkTask, RankingQueries

MaskedCells = tuple[Int64[Tensor, " cells"], Int64[Tensor, " cells"]]
"""Rows, ascending, and columns of the scores to leave out."""

MASKED_SCORE = -1e9
"""Score of a masked cell; finite, since gradients at −∞ are not."""

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
    sorted_queries, order = ranking.queries.sort(stable=True)
    rows, edges_per_row = sorted_queries.unique_consecutive(return_counts=True)
    n_nodes = ranking.neighbour_lists.n_nodes
    sampled = sample_candidates(n_nodes, generator, rows.device)
    table = ScoreTable(
        scores, rows, edges_per_row, neighbour_cells(ranking, rows, sampled), math.log(n_nodes / len(sampled))
    )
    return _FusedCrossEntropy.apply(
        table, queries.vectors, queries.bias, candidates.vectors[sampled], candidates.bias[sampled],
        true_scores[order],
    )  # fmt: skip


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


@dataclass(frozen=True)
class ScoreTable:
    """What a loss computes from the scores of query nodes (rows) with sampled candidates (columns)."""

    decoder: Decoder
    rows: Int64[Tensor, " rows"]
    """Query node of each row, each once."""
    edges_per_row: Int64[Tensor, " rows"]
    """Edges to predict of each row; edges are in the order of rows."""
    masked: MaskedCells
    """Known neighbours, which are no negatives."""
    correction: float
    """log(nodes / candidates), which is added to the log of a sum over the candidates."""


class _FusedCrossEntropy(torch.autograd.Function):
    """The mean cross-entropy of edges, whose gradient is computed in the forward pass."""

    @staticmethod
    def forward(
        ctx: FunctionCtx, table: ScoreTable, vectors: Tensor, bias: Tensor, candidate_vectors: Tensor,
        candidate_bias: Tensor, true_scores: Tensor,
    ) -> Tensor:  # fmt: skip
        dtype = table.decoder.matmul_dtype
        candidates = candidate_vectors.to(dtype)
        losses = torch.empty_like(true_scores)
        true_gradient = torch.empty_like(true_scores)
        row_gradient = vectors.new_empty(len(table.rows), vectors.shape[1])
        row_bias_gradient = bias.new_empty(len(table.rows))
        candidate_gradient = torch.zeros_like(candidate_vectors)
        candidate_bias_gradient = torch.zeros_like(candidate_bias)
        first_edges = [0, *table.edges_per_row.cumsum(0).tolist()]
        for _, chunk in row_chunks((len(table.rows),), table.rows):
            edges = slice(first_edges[chunk.start], first_edges[chunk.stop])
            queries = vectors[table.rows[chunk]].to(dtype)
            leaves = (
                linear(queries, candidates, dtype=dtype).requires_grad_(),
                bias[table.rows[chunk]].unsqueeze(1).requires_grad_(),
                candidate_bias.detach().requires_grad_(),
            )
            with torch.enable_grad():
                scores = table.decoder.combine(*leaves)
            losses[edges], true_gradient[edges], score_gradient = _chunk_loss(
                table, chunk, scores.detach(), true_scores[edges], 1 / len(true_scores)
            )
            dots_gradient, *bias_gradients = torch.autograd.grad(scores, leaves, score_gradient)
            slope = dots_gradient.to(dtype)
            row_gradient[chunk] = linear(slope, candidates.T, dtype=dtype)
            row_bias_gradient[chunk] = bias_gradients[0].squeeze(1)
            candidate_gradient += linear(slope.T, queries.T, dtype=dtype)
            candidate_bias_gradient += bias_gradients[1]
        ctx.node_count = len(vectors)  # type: ignore[attr-defined]
        ctx.save_for_backward(
            table.rows, row_gradient, row_bias_gradient, candidate_gradient, candidate_bias_gradient,
            true_gradient,
        )  # fmt: skip
        return losses.mean()

    @staticmethod
    def backward(ctx: FunctionCtx, gradient: Tensor) -> tuple[Tensor | None, ...]:
        rows, row_gradient, row_bias_gradient, *others = ctx.saved_tensors  # type: ignore[attr-defined]
        node_count = ctx.node_count  # type: ignore[attr-defined]
        vectors_gradient = row_gradient.new_zeros(node_count, row_gradient.shape[1])
        vectors_gradient[rows] = row_gradient * gradient
        bias_gradient = row_bias_gradient.new_zeros(node_count)
        bias_gradient[rows] = row_bias_gradient * gradient
        return None, vectors_gradient, bias_gradient, *(other * gradient for other in others)


def _chunk_loss(
    table: ScoreTable, chunk: slice, scores: Tensor, true_scores: Tensor, edge_weight: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the loss of each edge of some rows, and the gradients of true scores and scores."""
    exponentials = _mask(scores.clone(), table.masked, chunk)
    maxima = exponentials.amax(dim=1, keepdim=True)
    sums = exponentials.sub_(maxima).exp_().sum(dim=1)
    negatives = sums.log() + maxima.squeeze(1) + table.correction
    row_of_edge = torch.repeat_interleave(table.edges_per_row[chunk])
    margins = negatives[row_of_edge] - true_scores
    edge_gradient = margins.sigmoid() * edge_weight
    row_gradient = torch.zeros_like(sums).index_add_(0, row_of_edge, edge_gradient)
    return softplus(margins), -edge_gradient, exponentials.mul_((row_gradient / sums).unsqueeze(1))


def _mask(scores: Tensor, masked: MaskedCells, chunk: slice) -> Tensor:
    """Mask cells of a chunk in place."""
    rows, columns = masked
    low, high = torch.searchsorted(rows, rows.new_tensor([chunk.start, chunk.stop])).tolist()
    scores[rows[low:high] - chunk.start, columns[low:high]] = MASKED_SCORE
    return scores

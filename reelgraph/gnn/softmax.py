"""The loss of link prediction: the true end of an edge against other nodes of its type, from both ends.

Cross-entropy over a uniform sample of the candidates, drawn once a step for all edges of a relation, whose
weight is raised to that of all candidates (Bengio, Senécal 2008, "Adaptive Importance Sampling to
Accelerate Training of a Neural Probabilistic Language Model": a sampled softmax, corrected by log Q).
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float32
from torch import Tensor

from reelgraph.gnn.dense import linear
from reelgraph.gnn.log_sums import log_sums
from reelgraph.gnn.scores import End, Scores
from reelgraph.gnn.tasks import Side, Task

NEGATIVES = 512
"""Candidates drawn a relation, end and step; all where there are no more."""


def link_loss(scores: Scores, task: Task, generator: torch.Generator) -> Float32[Tensor, ""]:
    """Return the mean over edges, summed over both ends and all relations."""
    total = torch.zeros(())
    for kind, of_movies in task.entities_of.items():
        if len(of_movies.queries):
            movies, entities = scores.ends(kind)
            own = scores.pairs(movies, entities, of_movies.queries, of_movies.targets)
            total = total + _cross_entropy(scores, of_movies, movies, entities, own, generator)
            total = total + _cross_entropy(scores, task.movies_of[kind], entities, movies, own, generator)
    return total


def _cross_entropy(
    scores: Scores, side: Side, queries: End, candidates: End,
    own: Float32[Tensor, " edges"], generator: torch.Generator,
) -> Float32[Tensor, ""]:  # fmt: skip
    rows, row_of = side.queries.unique(return_inverse=True)
    drawn = draw(side.known.width, generator)
    hidden = known_among(side, rows, drawn)

    def table(vectors: Tensor, bias: Tensor, theirs: Tensor, their_bias: Tensor) -> Tensor:
        return scores.joined(linear(vectors, theirs), bias.unsqueeze(1), their_bias)

    shared = (candidates.vectors[drawn], candidates.bias[drawn])
    others = log_sums(table, rows, (queries.vectors, queries.bias), shared, hidden)
    raised = others + math.log(side.known.width / len(drawn))
    return (torch.logaddexp(raised[row_of], own) - own).mean()


def draw(nodes: int, generator: torch.Generator) -> Tensor:
    """Draw candidates without replacement."""
    if nodes <= NEGATIVES:
        return torch.arange(nodes)
    drawn = torch.randperm(nodes, generator=generator, device="cpu")[:NEGATIVES]
    return drawn.to(torch.get_default_device())


def known_among(side: Side, rows: Tensor, drawn: Tensor) -> tuple[Tensor, Tensor]:
    """Return place of the row, ascending, and place of the node, for the known neighbours that were drawn."""
    place = torch.full((side.known.width,), -1)
    place[drawn] = torch.arange(len(drawn))
    row, column = side.known.pairs(rows)
    column = place[column]
    return row[column >= 0], column[column >= 0]

"""Where the true end of an edge ranks among all candidates of its type: filtered, ties counting half.

A query is one end of an edge. Its candidates are all nodes of the other end's type but its other known
neighbours (Bordes et al. 2013, "Translating Embeddings for Modeling Multi-relational Data": filtered).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from reelgraph.gnn.decoders import ALL_NODES, Decoder
from reelgraph.gnn.link_splits import LinkTask, RankingQueries
from reelgraph.gnn.sparse import NeighbourLists

CELLS = 1 << 24
"""Scores held at once."""

Score = Callable[[Tensor], Tensor]
"""Queries [queries] → scores of all nodes at the other end [queries, nodes]; higher is likelier."""


def filtered_ranks(
    score: Score, queries: Int64[Tensor, " edges"], targets: Int64[Tensor, " edges"], known: NeighbourLists
) -> Float64[Tensor, " edges"]:
    """Return each target's rank among its query's candidates; 1 is the best, equal scores share a mean rank.

    Args:
        score: the model.
        queries: one end of each edge.
        targets: the other end.
        known: all neighbours of each query, in training, validation and test; the targets are among them.
    """
    ranks = torch.empty(len(queries), dtype=torch.float64, device="cpu")
    for edges in _chunks(queries, known.width):
        rows, row_of = queries[edges].unique(return_inverse=True)
        scores = score(rows).clone()
        own = scores[row_of, targets[edges]].unsqueeze(1)
        # NaN is neither above nor equal to anything: known neighbours drop out, the target itself too.
        scores[known.pairs(rows)] = torch.nan
        rivals = scores[row_of]
        above, equal = (found.sum(1).cpu().double() for found in (rivals > own, rivals == own))
        ranks[edges.cpu()] = 1 + above + equal / 2
    return ranks


def random_ranks(
    queries: Int64[Tensor, " edges"], known: NeighbourLists, generator: torch.Generator
) -> Float64[Tensor, " edges"]:
    """Return the ranks that a model gives which scores at random: uniform among each query's candidates."""
    candidates = (known.width - known.starts.diff()[queries] + 1).cpu()
    share = torch.rand(len(queries), generator=generator, dtype=torch.float64, device="cpu")
    return 1 + (share * candidates).floor()


def ranking_metrics(ranks: Float64[Tensor, " edges"]) -> dict[str, float]:
    """Return the mean reciprocal rank, and the shares of edges that rank 1st, among 3, among 10."""
    hits = {f"hits_{k}": (ranks <= k).double().mean().item() for k in (1, 3, 10)}
    return {"mrr": ranks.reciprocal().mean().item(), **hits}


def _chunks(queries: Tensor, width: int) -> Iterator[Tensor]:
    return iter(queries.argsort(stable=True).split(max(1, CELLS // width)))


Ranks = Float64[Tensor, " edges"]
LinkMetrics = dict[str, dict[str, float]]
"""Entity type, ``micro``, ``macro`` → ``mrr``, ``hits_1``, ``hits_3``, ``hits_10``."""


@torch.no_grad()
def evaluate_links(scores: Decoder, task: LinkTask) -> LinkMetrics:
    """Rank each predicted edge from both ends: its entity for the movie, its movie for the entity."""

    def ranks(kind: str) -> Ranks:
        def of_entities(movies: Tensor) -> Tensor:
            return scores.table(kind, movies, ALL_NODES)

        def of_movies(entities: Tensor) -> Tensor:
            return scores.table(kind, ALL_NODES, entities).T

        movies, entities = task.movie_queries[kind], task.entity_queries[kind]
        return torch.cat([_ranks(of_entities, movies), _ranks(of_movies, entities)])

    return aggregate_metrics({kind: ranks(kind) for kind in task.movie_queries})


def evaluate_random(task: LinkTask, seed: int) -> LinkMetrics:
    """Rank each predicted edge, from both ends, as random scores do."""
    drawn = torch.Generator("cpu").manual_seed(seed)
    sides = {kind: (task.movie_queries[kind], task.entity_queries[kind]) for kind in task.movie_queries}
    return aggregate_metrics({
        kind: torch.cat([random_ranks(side.queries, side.known_neighbours, drawn) for side in both])
        for kind, both in sides.items()
    })  # fmt: skip


def aggregate_metrics(ranks: dict[str, Ranks]) -> LinkMetrics:
    """Return the measures of each relation that has edges, of all edges (micro), and their mean (macro)."""
    relations = {kind: ranking_metrics(found) for kind, found in ranks.items() if len(found)}
    if not relations:
        return {}
    macro = {
        name: sum(found[name] for found in relations.values()) / len(relations)
        for name in next(iter(relations.values()))
    }
    return {**relations, "micro": ranking_metrics(torch.cat(list(ranks.values()))), "macro": macro}


def _ranks(score: Callable[[Tensor], Tensor], side: RankingQueries) -> Ranks:
    return filtered_ranks(score, side.queries, side.targets, side.known_neighbours)

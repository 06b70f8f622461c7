"""Link prediction metrics: filtered mean reciprocal rank and hits@k, per relation and averaged.

A query is one end of an edge. Its candidates are all nodes of the other end's type, except its other known
neighbours (Bordes et al. 2013, "Translating Embeddings for Modeling Multi-relational Data": filtered). Ties
count half.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from functools import partial

import numpy as np
import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from reelgraph.core.schemas.reports import round_figures
from reelgraph.gnn.decoders import Decoder
from reelgraph.gnn.link_splits import LinkTask, RankingQueries
from reelgraph.gnn.sparse import NeighbourLists

MAX_SCORES = 1 << 24
"""Scores in memory at once."""

HITS_AT = (1, 3, 10)
Z_95 = 1.96
"""Half width of a normal 95 % interval, in standard errors."""

ScoreFunction = Callable[[Tensor], Tensor]
"""Queries [queries] → scores of all nodes on the other side [queries, nodes]; higher is likelier."""

Ranks = Float64[Tensor, " ranks"]
LinkMetrics = dict[str, dict[str, float]]
"""Entity type, ``micro``, ``macro`` → ``mrr``, its interval, ``hits_1``, ``hits_3``, ``hits_10``."""


def evaluate_links(scores: Decoder, task: LinkTask) -> LinkMetrics:
    """Return the metrics of all ranks of ``rank_edges``."""
    return aggregate_metrics(rank_edges(scores, task))


@torch.no_grad()
def rank_edges(scores: Decoder, task: LinkTask) -> dict[str, Ranks]:
    """Rank both ends of each edge of a task.

    Returns:
        Entity type → ranks of the entities for their movies, then those of the movies for their entities.
    """
    ranks = {}
    for entity_type, movie_queries in task.movie_queries.items():
        movies, entities = scores.sides(entity_type)
        entity_queries = task.entity_queries[entity_type]
        ranks[entity_type] = torch.cat(
            [
                _filtered_ranks(partial(scores.score_all, movies, entities), movie_queries),
                _filtered_ranks(partial(scores.score_all, entities, movies), entity_queries),
            ]
        )
    return ranks


def evaluate_random(task: LinkTask, seed: int) -> LinkMetrics:
    """Return the metrics of random scores."""
    generator = torch.Generator().manual_seed(seed)
    ranks = {}
    for entity_type, movie_queries in task.movie_queries.items():
        sides = (movie_queries, task.entity_queries[entity_type])
        ranks[entity_type] = torch.cat(
            [random_ranks(side.queries, side.neighbour_lists, generator) for side in sides]
        )
    return aggregate_metrics(ranks)


def aggregate_metrics(ranks: dict[str, Ranks]) -> LinkMetrics:
    """Return the metrics of each relation with edges, of all edges (micro), and their mean (macro)."""
    relations = {
        entity_type: ranking_metrics(type_ranks)
        for entity_type, type_ranks in ranks.items()
        if len(type_ranks)
    }
    if not relations:
        return {}
    return {
        **relations,
        "micro": ranking_metrics(torch.cat(list(ranks.values()))),
        "macro": _mean_of_relations(list(relations.values())),
    }


def ranking_metrics(ranks: Ranks) -> dict[str, float]:
    """Return the mean reciprocal rank, and the fractions of edges that rank among the first 1, 3 and 10.

    ``mrr_low`` and ``mrr_high`` are its normal 95 % interval over the ranked ends of edges.
    """
    reciprocal = ranks.reciprocal()
    standard_error = reciprocal.std(correction=0).item() / len(ranks) ** 0.5
    hits = {f"hits_{k}": (ranks <= k).double().mean().item() for k in HITS_AT}
    return _mrr_with_interval(reciprocal.mean().item(), Z_95 * standard_error) | hits


def _mean_of_relations(relations: list[dict[str, float]]) -> dict[str, float]:
    """Return the mean of each metric; the interval of its MRR adds up those of independent relations."""
    mean = {name: sum(row[name] for row in relations) / len(relations) for name in relations[0]}
    half_widths = [(row["mrr_high"] - row["mrr_low"]) / 2 for row in relations]
    return mean | _mrr_with_interval(mean["mrr"], math.hypot(*half_widths) / len(relations))


def _mrr_with_interval(mrr: float, half_width: float) -> dict[str, float]:
    return {"mrr": mrr, "mrr_low": mrr - half_width, "mrr_high": mrr + half_width}


def headline_metrics(models: Mapping[str, LinkMetrics]) -> dict[str, float]:
    """Return the content of metrics/links.json: the MRR of the GNN over edges and over relations.

    Args:
        models: model → metrics; empty without test edges.
    """
    if not models:
        return {}
    gnn = round_figures(models["gnn"])
    return {"mrr": gnn["micro"]["mrr"], "mrr_macro": gnn["macro"]["mrr"]}


def edge_columns(task: LinkTask, ranks: dict[str, Ranks]) -> dict[str, np.ndarray]:
    """Return relation, movie (id), entity (row) and reciprocal rank, the mean of both ends, of each edge."""
    relations = [name for name, ranking in task.movie_queries.items() if len(ranking.queries)]
    sides = [ranks[name].reciprocal().reshape(2, -1) for name in relations]
    movies, entities = (
        np.concatenate(
            [np.zeros(0, np.int64), *(getattr(task.movie_queries[name], side).cpu() for name in relations)]
        )
        for side in ("queries", "targets")
    )
    return {
        "relation": np.repeat(relations, [side.shape[1] for side in sides]),
        "movie": task.message_graph.movie_ids[movies],
        "entity": entities,
        "reciprocal_rank": np.concatenate([np.zeros(0), *(side.mean(0) for side in sides)]),
    }


def filtered_ranks(
    score: ScoreFunction,
    queries: Int64[Tensor, " edges"],
    targets: Int64[Tensor, " edges"],
    neighbour_lists: NeighbourLists,
) -> Ranks:
    """Return the rank of each target among its query's candidates.

    The best rank is 1. Equal scores share their mean rank.

    Args:
        score: scores all nodes for some queries.
        queries: one end of each edge.
        targets: the other end.
        neighbour_lists: all neighbours of each query in training, validation and test, targets included.
    """
    ranks = torch.empty(len(queries), dtype=torch.float64)
    for edges in _chunk_edges(queries, neighbour_lists.n_nodes):
        rows, row_of_edge = queries[edges].unique(return_inverse=True)
        scores = score(rows).clone()
        target_scores = scores[row_of_edge, targets[edges]].unsqueeze(1)
        # Known neighbours, and the target itself, come last.
        scores[neighbour_lists.pairs(rows)] = -torch.inf
        signs = scores[row_of_edge].sub_(target_scores).sign_().sum(dim=1)
        ranks[edges.cpu()] = 1 + (neighbour_lists.n_nodes + signs.cpu().double()) / 2
    return ranks


def _filtered_ranks(score: ScoreFunction, ranking: RankingQueries) -> Ranks:
    return filtered_ranks(score, ranking.queries, ranking.targets, ranking.neighbour_lists)


def random_ranks(
    queries: Int64[Tensor, " edges"], neighbour_lists: NeighbourLists, generator: torch.Generator
) -> Ranks:
    """Return the ranks of random scores: uniform among the candidates of each query."""
    n_candidates = (neighbour_lists.n_nodes - neighbour_lists.offsets.diff()[queries] + 1).cpu()
    uniform = torch.rand(len(queries), generator=generator, dtype=torch.float64)
    return 1 + (uniform * n_candidates).floor()


def _chunk_edges(queries: Tensor, n_nodes: int) -> Iterator[Tensor]:
    """Yield indices of edges, sorted by query, so that the scores of a chunk fit into memory."""
    return iter(queries.argsort(stable=True).split(max(1, MAX_SCORES // n_nodes)))

"""Link prediction tasks: a message graph, edges to predict, and edges that are no negatives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from reelgraph.core.schemas.kg import KnowledgeGraph, Relation
from reelgraph.core.torch_setup import CPU
from reelgraph.gnn.sparse import NeighbourLists, build_neighbour_lists
from reelgraph.graph.edge_split import EdgeRole, EdgeRoles, subgraph


@dataclass(frozen=True)
class RankingQueries:
    """The edges of one relation, seen from one side."""

    queries: Int64[Tensor, " edges"]
    targets: Int64[Tensor, " edges"]
    neighbour_lists: NeighbourLists
    """Neighbours of each query: its targets, and others that are filtered out of its candidates."""


@dataclass(frozen=True)
class LinkTask:
    """Edges to predict from a message graph."""

    message_graph: KnowledgeGraph
    movie_queries: dict[str, RankingQueries]
    """Entity type → movies as queries, entities as targets."""
    entity_queries: dict[str, RankingQueries]
    """Entity type → entities as queries, movies as targets; the same edges."""

    def has_edges(self) -> bool:
        """Return whether there is an edge to predict."""
        return any(len(ranking.queries) for ranking in self.movie_queries.values())


def build_link_task(
    message_graph: KnowledgeGraph,
    predicted: KnowledgeGraph,
    filter_graph: KnowledgeGraph,
    device: torch.device = CPU,
) -> LinkTask:
    """Build a task.

    Args:
        message_graph: edges that messages pass over.
        predicted: edges to predict.
        filter_graph: edges that are no negatives; includes the predicted ones.
        device: where the tensors are.
    """
    movie_queries = {}
    entity_queries = {}
    for entity_type, relation in filter_graph.relations.items():
        shape = (len(filter_graph.movie_ids), len(relation.entity_names))
        movies, entities = _edges(predicted.relations[entity_type], device)
        filter_movies, filter_entities = _edges(relation, device)
        movie_neighbours = build_neighbour_lists(filter_movies, filter_entities, shape)
        entity_neighbours = build_neighbour_lists(filter_entities, filter_movies, shape[::-1])
        movie_queries[entity_type] = RankingQueries(movies, entities, movie_neighbours)
        entity_queries[entity_type] = RankingQueries(entities, movies, entity_neighbours)
    return LinkTask(message_graph, movie_queries, entity_queries)


@dataclass(frozen=True)
class LinkSplits:
    """The tasks of a run that is evaluated on held-out edges."""

    train: LinkTask
    """Predicts supervision edges from message edges. Only training edges are filtered out: filtering others
    would reveal held-out ones."""
    validation: LinkTask
    """Predicts validation edges from training edges; all edges are filtered out."""
    test: LinkTask
    """Predicts test edges from training edges; all edges are filtered out."""


def build_link_splits(graph: KnowledgeGraph, roles: EdgeRoles, device: torch.device = CPU) -> LinkSplits:
    """Return the three tasks of a split.

    Raises:
        RuntimeError: an edge is both in a message graph and predicted from it.
    """
    training = subgraph(graph, roles, EdgeRole.MESSAGE, EdgeRole.SUPERVISION)
    messages = subgraph(graph, roles, EdgeRole.MESSAGE)
    supervision = subgraph(graph, roles, EdgeRole.SUPERVISION)
    validation = subgraph(graph, roles, EdgeRole.VALIDATION)
    test = subgraph(graph, roles, EdgeRole.TEST)
    for predicted in (supervision, validation, test):
        if count_shared_edges(messages, predicted):
            raise RuntimeError("an edge is predicted that messages pass over")
    for predicted in (validation, test):
        if count_shared_edges(training, predicted):
            raise RuntimeError("a held-out edge is among the training edges")
    return LinkSplits(
        build_link_task(messages, supervision, training, device),
        build_link_task(training, validation, graph, device),
        build_link_task(training, test, graph, device),
    )


def count_shared_edges(first: KnowledgeGraph, second: KnowledgeGraph) -> int:
    """Count the edges that are in both graphs. Reverse edges are the same edges."""
    return sum(
        len(np.intersect1d(_edge_keys(relation), _edge_keys(second.relations[entity_type])))
        for entity_type, relation in first.relations.items()
    )


def _edge_keys(relation: Relation) -> Int64[np.ndarray, " edges"]:
    """Return one number per edge, unique within the relation."""
    return relation.movie_rows * len(relation.entity_names) + relation.entity_index


def _edges(
    relation: Relation, device: torch.device
) -> tuple[Int64[Tensor, " edges"], Int64[Tensor, " edges"]]:
    movies = torch.tensor(relation.movie_rows, device=device)
    return movies, torch.tensor(relation.entity_index, device=device)

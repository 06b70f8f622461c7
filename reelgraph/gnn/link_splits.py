"""A graph that messages pass over, edges to predict, and what is known: training, validation, test."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from reelgraph.gnn.sparse import NeighbourLists, build_neighbour_lists
from reelgraph.graph.edge_split import EdgeRole, EdgeRoles, subgraph
from reelgraph.schemas.kg import KnowledgeGraph, Relation


@dataclass(frozen=True)
class RankingQueries:
    """One relation seen from one end."""

    queries: Int64[Tensor, " edges"]
    targets: Int64[Tensor, " edges"]
    known_neighbours: NeighbourLists
    """A query's neighbours: its targets, and others that are not to count against it."""


@dataclass(frozen=True)
class LinkTask:
    """Edges to predict from a message graph."""

    message_graph: KnowledgeGraph
    movie_queries: dict[str, RankingQueries]
    """Entity type → movies as queries."""
    entity_queries: dict[str, RankingQueries]
    """Entity type → entities as queries, the same edges."""


def build_link_task(message: KnowledgeGraph, predicted: KnowledgeGraph, known: KnowledgeGraph) -> LinkTask:
    """Put a task together; ``known`` holds the predicted edges."""
    of_movie, of_entity = {}, {}
    for kind, relation in known.relations.items():
        shape = (len(known.movie_ids), len(relation.entity_names))
        movies, entities = _edges(predicted.relations[kind])
        known_movies, known_entities = _edges(relation)
        of_movie[kind] = RankingQueries(
            movies, entities, build_neighbour_lists(known_movies, known_entities, shape)
        )
        of_entity[kind] = RankingQueries(
            entities, movies, build_neighbour_lists(known_entities, known_movies, shape[::-1])
        )
    return LinkTask(message, of_movie, of_entity)


@dataclass(frozen=True)
class LinkSplits:
    """The tasks of a run that is judged by held-out links."""

    train: LinkTask
    """Supervision edges over message edges. Known are the training edges: whoever learned that another
    edge is no negative would know a held-out one."""
    validation: LinkTask
    """Over training edges; all edges are known."""
    test: LinkTask


def build_link_splits(graph: KnowledgeGraph, parts: EdgeRoles) -> LinkSplits:
    """Return the three tasks of a split, whose held-out edges are in no message graph."""
    training = subgraph(graph, parts, EdgeRole.MESSAGE, EdgeRole.SUPERVISION)
    messages, supervision = (
        subgraph(graph, parts, EdgeRole.MESSAGE),
        subgraph(graph, parts, EdgeRole.SUPERVISION),
    )
    validation, test = subgraph(graph, parts, EdgeRole.VALIDATION), subgraph(graph, parts, EdgeRole.TEST)
    for hidden in (supervision, validation, test):
        assert not count_shared_edges(messages, hidden), "an edge is predicted that messages pass over"
    for hidden in (validation, test):
        assert not count_shared_edges(training, hidden), "a held-out edge is among the training edges"
    return LinkSplits(
        build_link_task(messages, supervision, training),
        build_link_task(training, validation, graph),
        build_link_task(training, test, graph),
    )


def count_shared_edges(first: KnowledgeGraph, second: KnowledgeGraph) -> int:
    """Count the edges that both graphs have; reverses are the same edges, as ``gnn.hetero`` makes them."""
    return sum(
        len(np.intersect1d(_keys(relation), _keys(second.relations[kind])))
        for kind, relation in first.relations.items()
    )


def _keys(relation: Relation) -> Int64[np.ndarray, " edges"]:
    return relation.movie_rows * len(relation.entity_names) + relation.entity_index


def _edges(relation: Relation) -> tuple[Int64[Tensor, " edges"], Int64[Tensor, " edges"]]:
    return torch.tensor(relation.movie_rows), torch.tensor(relation.entity_index)

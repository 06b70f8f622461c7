"""A graph that messages pass over, edges to predict, and what is known: training, validation, test."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from reelgraph.gnn.sparse import Neighbours, neighbours
from reelgraph.graph.held_out import Part, Parts, only
from reelgraph.schemas.kg import KnowledgeGraph, Relation


@dataclass(frozen=True)
class Side:
    """One relation seen from one end."""

    queries: Int64[Tensor, " edges"]
    targets: Int64[Tensor, " edges"]
    known: Neighbours
    """A query's neighbours: its targets, and others that are not to count against it."""


@dataclass(frozen=True)
class Task:
    """Edges to predict from a message graph."""

    message: KnowledgeGraph
    entities_of: dict[str, Side]
    """Entity type → movies as queries."""
    movies_of: dict[str, Side]
    """Entity type → entities as queries, the same edges."""


def task(message: KnowledgeGraph, predicted: KnowledgeGraph, known: KnowledgeGraph) -> Task:
    """Put a task together; ``known`` holds the predicted edges."""
    of_movie, of_entity = {}, {}
    for kind, relation in known.relations.items():
        shape = (len(known.movie_ids), len(relation.names))
        movies, entities = _edges(predicted.relations[kind])
        known_movies, known_entities = _edges(relation)
        of_movie[kind] = Side(movies, entities, neighbours(known_movies, known_entities, shape))
        of_entity[kind] = Side(entities, movies, neighbours(known_entities, known_movies, shape[::-1]))
    return Task(message, of_movie, of_entity)


@dataclass(frozen=True)
class Tasks:
    """The tasks of a run that is judged by held-out links."""

    train: Task
    """Supervision edges over message edges. Known are the training edges: whoever learned that another
    edge is no negative would know a held-out one."""
    validation: Task
    """Over training edges; all edges are known."""
    test: Task


def held_out_tasks(graph: KnowledgeGraph, parts: Parts) -> Tasks:
    """Return the three tasks of a split, whose held-out edges are in no message graph."""
    training = only(graph, parts, Part.MESSAGE, Part.SUPERVISION)
    messages, supervision = only(graph, parts, Part.MESSAGE), only(graph, parts, Part.SUPERVISION)
    validation, test = only(graph, parts, Part.VALIDATION), only(graph, parts, Part.TEST)
    for hidden in (supervision, validation, test):
        assert not overlap(messages, hidden), "an edge is predicted that messages pass over"
    for hidden in (validation, test):
        assert not overlap(training, hidden), "a held-out edge is among the training edges"
    return Tasks(
        task(messages, supervision, training), task(training, validation, graph), task(training, test, graph)
    )


def overlap(first: KnowledgeGraph, second: KnowledgeGraph) -> int:
    """Count the edges that both graphs have; reverses are the same edges, as ``gnn.hetero`` makes them."""
    return sum(
        len(np.intersect1d(_keys(relation), _keys(second.relations[kind])))
        for kind, relation in first.relations.items()
    )


def _keys(relation: Relation) -> Int64[np.ndarray, " edges"]:
    return relation.movie_rows * len(relation.names) + relation.entities


def _edges(relation: Relation) -> tuple[Int64[Tensor, " edges"], Int64[Tensor, " edges"]]:
    return torch.tensor(relation.movie_rows), torch.tensor(relation.entities)

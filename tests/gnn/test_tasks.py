"""Nothing of a held-out edge reaches a run that is judged by it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reelgraph.gnn.hetero import to_hetero
from reelgraph.gnn.predictor import messages
from reelgraph.gnn.tasks import Side, held_out_tasks, overlap
from reelgraph.graph.held_out import Part, only, split_edges
from reelgraph.schemas.kg import KnowledgeGraph
from tests.gnn.graphs import random_graph

MOVIES, SEEDS = st.integers(3, 25), st.integers(0, 99)


def edges(graph: KnowledgeGraph) -> set[tuple[str, int, int]]:
    return {
        (kind, *edge)
        for kind, relation in graph.relations.items()
        for edge in zip(relation.movie_rows.tolist(), relation.entities.tolist(), strict=True)
    }


def asked(sides: dict[str, Side], flipped: bool) -> set[tuple[str, int, int]]:
    found = set()
    for kind, side in sides.items():
        for query, target in zip(side.queries.tolist(), side.targets.tolist(), strict=True):
            found.add((kind, target, query) if flipped else (kind, query, target))
    return found


@settings(max_examples=30, deadline=None)
@given(MOVIES, st.floats(0, 0.4), st.floats(0, 0.4), SEEDS)
def test_held_out_edges_and_their_reverses_are_in_no_message_graph(
    movies, val_share, test_share, seed
) -> None:
    graph = random_graph(movies, 3, seed)
    parts = split_edges(graph, val_share, test_share, seed)
    tasks = held_out_tasks(graph, parts)
    held_out = edges(only(graph, parts, Part.VALIDATION, Part.TEST))
    features = np.random.default_rng(0).normal(size=(len(graph.movie_ids), 2)).astype(np.float32)
    for task in (tasks.train, tasks.validation, tasks.test):
        assert asked(task.entities_of, False) == asked(task.movies_of, True)
        assert not asked(task.entities_of, False) & edges(task.message)
        data = to_hetero(task.message, features)
        given_to_gnn = messages(data).graph
        starts = dict(zip(given_to_gnn.kinds, np.cumsum([0, *given_to_gnn.sizes]).tolist(), strict=False))
        for kind in graph.relations:
            there = data["movie", f"has_{kind}", kind].edge_index
            back = data[kind, f"has_{kind}_rev", "movie"].edge_index.flip(0)
            for pairs in (there, back):
                assert not {(kind, *pair) for pair in pairs.T.tolist()} & held_out
        for csr, flipped in ((given_to_gnn.into_movies, False), (given_to_gnn.into_entities, True)):
            rows = np.repeat(np.arange(len(csr.starts) - 1), csr.starts.diff().numpy())
            cells = {(int(r), int(c)) for r, c in zip(rows, csr.columns, strict=True)}
            cells = {(c, r) for r, c in cells} if flipped else cells
            assert not {(movie, starts[kind] + entity) for kind, movie, entity in held_out} & cells


@settings(max_examples=30, deadline=None)
@given(MOVIES, SEEDS)
def test_training_knows_the_training_edges_alone_and_ranking_all(movies, seed) -> None:
    graph = random_graph(movies, 3, seed)
    parts = split_edges(graph, 0.2, 0.2, seed)
    tasks = held_out_tasks(graph, parts)
    training = edges(only(graph, parts, Part.MESSAGE, Part.SUPERVISION))
    assert edges(tasks.train.message) | asked(tasks.train.entities_of, False) == training
    assert edges(tasks.validation.message) == edges(tasks.test.message) == training
    for task, known in (
        (tasks.train, training),
        (tasks.validation, edges(graph)),
        (tasks.test, edges(graph)),
    ):
        for kind, side in task.entities_of.items():
            of_movie = side.known.starts.diff().tolist()
            pairs = {
                (kind, movie, entity)
                for movie, entity in zip(
                    np.repeat(np.arange(len(of_movie)), of_movie).tolist(),
                    side.known.columns.tolist(),
                    strict=True,
                )
            }
            assert pairs == {edge for edge in known if edge[0] == kind}


def test_an_edge_with_two_parts_is_refused(graph, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = split_edges(graph, 0.1, 0.1, 0)
    assert overlap(graph, graph) == sum(len(r.entities) for r in graph.relations.values())
    monkeypatch.setattr("reelgraph.gnn.tasks.only", lambda graph, parts, *kept: graph)
    with pytest.raises(AssertionError, match="messages pass over"):
        held_out_tasks(graph, parts)

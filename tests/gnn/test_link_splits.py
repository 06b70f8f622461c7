"""Nothing of a held-out edge reaches a run that is judged by it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reelgraph.gnn.link_predictor import prepare_inputs
from reelgraph.gnn.link_splits import RankingQueries, build_link_splits, count_shared_edges
from reelgraph.gnn.sage import to_hetero_data
from reelgraph.graph.edge_split import EdgeRole, split_edges, subgraph
from reelgraph.schemas.kg import KnowledgeGraph
from tests.helpers.graphs import random_graph

MOVIES, SEEDS = st.integers(3, 25), st.integers(0, 99)


def edges(graph: KnowledgeGraph) -> set[tuple[str, int, int]]:
    return {
        (kind, *edge)
        for kind, relation in graph.relations.items()
        for edge in zip(relation.movie_rows.tolist(), relation.entity_index.tolist(), strict=True)
    }


def asked(sides: dict[str, RankingQueries], flipped: bool) -> set[tuple[str, int, int]]:
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
    tasks = build_link_splits(graph, parts)
    held_out = edges(subgraph(graph, parts, EdgeRole.VALIDATION, EdgeRole.TEST))
    features = np.random.default_rng(0).normal(size=(len(graph.movie_ids), 2)).astype(np.float32)
    for task in (tasks.train, tasks.validation, tasks.test):
        assert asked(task.movie_queries, False) == asked(task.entity_queries, True)
        assert not asked(task.movie_queries, False) & edges(task.message_graph)
        data = to_hetero_data(task.message_graph, features)
        given_to_gnn = prepare_inputs(data).graph
        starts = dict(
            zip(given_to_gnn.entity_types, np.cumsum([0, *given_to_gnn.entity_counts]).tolist(), strict=False)
        )
        for kind in graph.relations:
            there = data["movie", f"has_{kind}", kind].edge_index
            back = data[kind, f"has_{kind}_rev", "movie"].edge_index.flip(0)
            for pairs in (there, back):
                assert not {(kind, *pair) for pair in pairs.T.tolist()} & held_out
        for csr, flipped in ((given_to_gnn.to_movies, False), (given_to_gnn.to_entities, True)):
            rows = np.repeat(np.arange(len(csr.starts) - 1), csr.starts.diff().numpy())
            cells = {(int(r), int(c)) for r, c in zip(rows, csr.columns, strict=True)}
            cells = {(c, r) for r, c in cells} if flipped else cells
            assert not {(movie, starts[kind] + entity) for kind, movie, entity in held_out} & cells


@settings(max_examples=30, deadline=None)
@given(MOVIES, SEEDS)
def test_training_knows_the_training_edges_alone_and_ranking_all(movies, seed) -> None:
    graph = random_graph(movies, 3, seed)
    parts = split_edges(graph, 0.2, 0.2, seed)
    tasks = build_link_splits(graph, parts)
    training = edges(subgraph(graph, parts, EdgeRole.MESSAGE, EdgeRole.SUPERVISION))
    assert edges(tasks.train.message_graph) | asked(tasks.train.movie_queries, False) == training
    assert edges(tasks.validation.message_graph) == edges(tasks.test.message_graph) == training
    for task, known in (
        (tasks.train, training),
        (tasks.validation, edges(graph)),
        (tasks.test, edges(graph)),
    ):
        for kind, side in task.movie_queries.items():
            of_movie = side.known_neighbours.starts.diff().tolist()
            pairs = {
                (kind, movie, entity)
                for movie, entity in zip(
                    np.repeat(np.arange(len(of_movie)), of_movie).tolist(),
                    side.known_neighbours.columns.tolist(),
                    strict=True,
                )
            }
            assert pairs == {edge for edge in known if edge[0] == kind}


def test_an_edge_with_two_parts_is_refused(graph, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = split_edges(graph, 0.1, 0.1, 0)
    assert count_shared_edges(graph, graph) == sum(len(r.entity_index) for r in graph.relations.values())
    monkeypatch.setattr("reelgraph.gnn.link_splits.only", lambda graph, parts, *kept: graph)
    with pytest.raises(AssertionError, match="messages pass over"):
        build_link_splits(graph, parts)

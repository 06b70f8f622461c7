"""No held-out edge is in a message graph or among the known edges of training."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reelgraph.core.schemas.kg import KnowledgeGraph
from reelgraph.gnn.link_predictor import prepare_inputs
from reelgraph.gnn.link_splits import LinkTask, RankingQueries, build_link_splits, count_shared_edges
from reelgraph.gnn.sage import to_hetero_data
from reelgraph.gnn.sparse import CsrMatrix, NeighbourLists
from reelgraph.graph.edge_split import EdgeRole, split_edges, subgraph
from tests.helpers.graphs import random_graph

Edges = set[tuple[str, int, int]]
N_MOVIES = st.integers(3, 25)
SEEDS = st.integers(0, 99)


def graph_edges(graph: KnowledgeGraph) -> Edges:
    return {
        (entity_type, *edge)
        for entity_type, relation in graph.relations.items()
        for edge in zip(relation.movie_rows.tolist(), relation.entity_index.tolist(), strict=True)
    }


def predicted_edges(task: LinkTask) -> Edges:
    def edges(queries: dict[str, RankingQueries], is_flipped: bool) -> Edges:
        return {
            (entity_type, target, query) if is_flipped else (entity_type, query, target)
            for entity_type, ranking in queries.items()
            for query, target in zip(ranking.queries.tolist(), ranking.targets.tolist(), strict=True)
        }

    assert edges(task.movie_queries, False) == edges(task.entity_queries, True)
    return edges(task.movie_queries, False)


def cells(matrix: CsrMatrix | NeighbourLists) -> set[tuple[int, int]]:
    rows = np.repeat(np.arange(len(matrix.offsets) - 1), matrix.offsets.diff().numpy())
    return set(zip(rows.tolist(), matrix.columns.tolist(), strict=True))


@settings(max_examples=30, deadline=None)
@given(N_MOVIES, st.floats(0, 0.4), st.floats(0, 0.4), SEEDS)
def test_build_link_splits_keeps_held_out_edges_out_of_message_graphs(
    n_movies: int, val_fraction: float, test_fraction: float, seed: int
) -> None:
    graph = random_graph(n_movies, 3, seed)
    roles = split_edges(graph, val_fraction, test_fraction, seed)
    splits = build_link_splits(graph, roles)
    held_out = graph_edges(subgraph(graph, roles, EdgeRole.VALIDATION, EdgeRole.TEST))
    features = np.random.default_rng(0).normal(size=(len(graph.movie_ids), 2)).astype(np.float32)
    for task in (splits.train, splits.validation, splits.test):
        assert not predicted_edges(task) & graph_edges(task.message_graph)
        data = to_hetero_data(task.message_graph, features)
        csr = prepare_inputs(data).graph
        for entity_type in graph.relations:
            edges = data["movie", f"has_{entity_type}", entity_type].edge_index
            reverse_edges = data[entity_type, f"has_{entity_type}_rev", "movie"].edge_index.flip(0)
            for pairs in (edges, reverse_edges):
                assert not {(entity_type, *pair) for pair in pairs.T.tolist()} & held_out
        first = dict(zip(csr.entity_types, np.cumsum([0, *csr.entity_counts]).tolist(), strict=False))
        held_out_cells = {(movie, first[entity_type] + entity) for entity_type, movie, entity in held_out}
        assert not cells(csr.to_movies) & held_out_cells
        assert not {(movie, entity) for entity, movie in cells(csr.to_entities)} & held_out_cells


@settings(max_examples=30, deadline=None)
@given(N_MOVIES, SEEDS)
def test_build_link_splits_knows_only_training_edges_in_training(n_movies: int, seed: int) -> None:
    graph = random_graph(n_movies, 3, seed)
    roles = split_edges(graph, 0.2, 0.2, seed)
    splits = build_link_splits(graph, roles)
    training = graph_edges(subgraph(graph, roles, EdgeRole.MESSAGE, EdgeRole.SUPERVISION))
    assert graph_edges(splits.train.message_graph) | predicted_edges(splits.train) == training
    assert graph_edges(splits.validation.message_graph) == training
    assert graph_edges(splits.test.message_graph) == training
    expected = (
        (splits.train, training),
        (splits.validation, graph_edges(graph)),
        (splits.test, graph_edges(graph)),
    )
    for task, edges in expected:
        training_edges = {
            (entity_type, *pair)
            for entity_type, ranking in task.movie_queries.items()
            for pair in cells(ranking.neighbour_lists)
        }
        assert training_edges == edges


def test_build_link_splits_rejects_an_edge_with_two_roles(graph, monkeypatch: pytest.MonkeyPatch) -> None:
    roles = split_edges(graph, 0.1, 0.1, 0)
    monkeypatch.setattr("reelgraph.gnn.link_splits.subgraph", lambda graph, roles, *selected: graph)
    with pytest.raises(RuntimeError, match="messages pass over"):
        build_link_splits(graph, roles)


def test_count_shared_edges_of_a_graph_with_itself_is_its_edge_count(graph) -> None:
    assert count_shared_edges(graph, graph) == sum(len(r.entity_index) for r in graph.relations.values())

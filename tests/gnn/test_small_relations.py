"""Relations of a few edges, of which held-out splits may have none."""

from __future__ import annotations

import numpy as np
import pytest

from reelgraph.core.schemas.kg import KnowledgeGraph, Relation
from reelgraph.gnn.io import check_dimensions
from reelgraph.gnn.link_prediction import evaluate_link_prediction
from reelgraph.gnn.trainer import train_on_all_edges, warn_of_no_signal
from reelgraph.graph.edge_split import format_missing_roles, split_edges
from reelgraph.runtime.errors import InputError
from tests.helpers.graphs import gnn_params, link_params, random_graph

DIM = 6


def relation(n_edges: int, n_entities: int | None = None) -> Relation:
    """Movie i has entity i, modulo the number of entities."""
    n_entities = n_entities or n_edges
    vectors = np.random.default_rng(0).normal(size=(n_entities, DIM)).astype(np.float32)
    names = tuple(f"writer {i:02}" for i in range(n_entities))
    return Relation(names, vectors, np.arange(n_edges), np.arange(n_edges) % n_entities)


def features(graph: KnowledgeGraph) -> np.ndarray:
    return np.random.default_rng(1).normal(size=(len(graph.movie_ids), DIM)).astype(np.float32)


def evaluate(graph: KnowledgeGraph, fraction: float = 0.1, **params: object):
    roles = split_edges(graph, fraction, fraction, 0)
    result = evaluate_link_prediction(graph, roles, features(graph), link_params(epochs=2, **params))
    return roles, result


@pytest.mark.parametrize(
    ("loss", "fraction", "n_edges"),
    [
        ("softmax", 0.1, 1),
        ("softmax", 0.1, 6),
        ("softmax", 0.4, 2),
        ("bpr", 0.1, 5),
        ("bpr", 0.4, 1),
        ("bpr", 0.4, 3),
    ],
)
def test_evaluate_link_prediction_with_a_small_relation(loss: str, fraction: float, n_edges: int) -> None:
    large = random_graph(40, DIM)
    graph = KnowledgeGraph(large.movie_ids, large.relations | {"writer": relation(n_edges)})
    roles, result = evaluate(graph, fraction, loss=loss)
    n_test = round(fraction * n_edges)
    for metrics in result.metrics.values():
        assert ("writer" in metrics) == (n_test > 0)
        assert np.isfinite(metrics["macro"]["mrr"])
    note = f"; no validation edge of writer ({n_edges} edges); no test edge of writer ({n_edges} edges)"
    assert format_missing_roles(roles) == ("" if n_test else note)


@pytest.mark.parametrize("loss", ["softmax", "bpr"])
@pytest.mark.parametrize("n_edges", [1, 2])
def test_evaluate_link_prediction_with_small_relations_only(loss: str, n_edges: int) -> None:
    _, result = evaluate(KnowledgeGraph(np.arange(20), {"writer": relation(n_edges)}), loss=loss)
    assert result.metrics == {}
    assert result.training.best_epoch == 2


def test_format_missing_roles_without_held_out_edges() -> None:
    assert format_missing_roles(split_edges(random_graph(20, DIM), 0.0, 0.0, 0)) == ""


def test_warn_of_no_signal_for_one_entity_of_all_movies() -> None:
    graph = KnowledgeGraph(np.arange(20), {"language": relation(20, 1)})
    trained = train_on_all_edges(graph, features(graph), gnn_params(), 3, 1)
    assert trained.losses == [0.0] * 3
    assert "the graph has nothing to learn" in warn_of_no_signal(trained.losses)
    learning = train_on_all_edges(random_graph(20, DIM), features(random_graph(20, DIM)), gnn_params(), 3, 1)
    assert warn_of_no_signal(learning.losses) == ""


def test_check_dimensions_raises_before_training() -> None:
    graph = random_graph(20, DIM)
    check_dimensions(graph, features(graph))
    with pytest.raises(
        InputError, match=r"projection.dim: expected 6, the dimension .*, got 4. Set projection.dim to 6"
    ):
        check_dimensions(graph, features(graph)[:, :4])

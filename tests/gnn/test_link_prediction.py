"""Evaluation on held-out edges, on graphs with known answers."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from reelgraph.core.schemas.kg import KnowledgeGraph, Relation
from reelgraph.gnn.link_metrics import aggregate_metrics, evaluate_links, headline_metrics
from reelgraph.gnn.link_prediction import KGE_MODELS, evaluate_link_prediction, popularity
from reelgraph.gnn.link_predictor import prepare_inputs
from reelgraph.gnn.link_splits import build_link_task
from reelgraph.gnn.sage import to_hetero_data
from reelgraph.gnn.trainer import TrainingResult, build_link_predictor, calibrate_relation_weights
from reelgraph.graph.edge_split import EdgeRole, split_edges, subgraph
from tests.helpers.graphs import gnn_params, link_params

MODELS = {"gnn", "random", "popularity", "cosine"}
METRICS = {"mrr", "mrr_low", "mrr_high", "hits_1", "hits_3", "hits_10"}


def grouped_graph(n_movies: int = 240, n_groups: int = 8, dim: int = 12) -> KnowledgeGraph:
    """Movies of a group share its actors and its director; every node is equally popular."""
    rng = np.random.default_rng(0)
    group = np.arange(n_movies) % n_groups
    relations = {}
    for entity_type, group_size, degree in (("actor", 5, 3), ("director", 2, 1)):
        size = n_groups * group_size
        sampled = [g * group_size + rng.permutation(group_size)[:degree] for g in group]
        entities = np.sort(np.array(sampled), axis=1).ravel()
        vectors = rng.normal(size=(size, dim)).astype(np.float32)
        names = tuple(f"{entity_type} {i:02}" for i in range(size))
        relations[entity_type] = Relation(names, vectors, np.repeat(np.arange(n_movies), degree), entities)
    return KnowledgeGraph(np.arange(n_movies), relations)


def evaluate(
    graph: KnowledgeGraph, val_fraction: float = 0.1, test_fraction: float = 0.1, **overrides: object
):
    features = np.random.default_rng(1).normal(size=(len(graph.movie_ids), 12)).astype(np.float32)
    roles = split_edges(graph, val_fraction, test_fraction, 0)
    sizes = {"hidden_dim": 16, "out_dim": 12, "epochs": 40, "learning_rate": 0.01}
    return evaluate_link_prediction(graph, roles, features, link_params(**sizes | overrides))


def test_evaluate_link_prediction_finds_groups_that_popularity_cannot() -> None:
    result = evaluate(grouped_graph(), embedding_baselines=True)
    assert set(result.metrics) == MODELS | set(KGE_MODELS)
    for metrics in result.metrics.values():
        assert set(metrics) == {"actor", "director", "micro", "macro"}
        assert all(set(relation) == METRICS for relation in metrics.values())
    mrr = {name: metrics["macro"]["mrr"] for name, metrics in result.metrics.items()}
    assert mrr["gnn"] > 2 * max(mrr["popularity"], mrr["cosine"], mrr["random"])
    for entity_type in ("actor", "director"):
        assert (
            result.metrics["gnn"][entity_type]["hits_10"]
            > result.metrics["popularity"][entity_type]["hits_10"]
        )
    assert result.training.best_epoch == max(
        result.training.validation_mrr, key=result.training.validation_mrr.get
    )


def test_evaluate_link_prediction_is_reproducible_and_depends_on_the_split() -> None:
    graph = grouped_graph(60)
    first, second = (evaluate(graph, epochs=4) for _ in range(2))
    assert first.metrics == second.metrics
    assert first.metrics != evaluate(graph, test_fraction=0.2, epochs=4).metrics


def test_evaluate_link_prediction_without_held_out_edges_runs_all_epochs() -> None:
    result = evaluate(grouped_graph(60), 0.0, 0.0, epochs=5)
    assert result.metrics == {}
    assert result.training.validation_mrr == {}
    assert result.training.best_epoch == len(result.training.losses) == 5


def test_evaluate_link_prediction_evaluates_bpr_training_too() -> None:
    result = evaluate(grouped_graph(60), loss="bpr", epochs=3)
    assert set(result.metrics) == MODELS
    assert result.training.best_epoch == 3


def test_popularity_has_known_answers() -> None:
    edges = {(0, 0), (1, 0), (2, 0), (3, 1), (4, 1), (5, 2), (6, 1), (6, 2)}
    rows, entities = np.array(sorted(edges)).T.copy()
    names = ("a", "b", "c")
    vectors = np.zeros((3, 2), np.float32)
    graph = KnowledgeGraph(np.arange(7), {"genre": Relation(names, vectors, rows, entities)})
    is_test = np.array([(m, e) == (6, 2) for m, e in zip(rows, entities, strict=True)])
    roles = {"genre": np.where(is_test, EdgeRole.TEST, EdgeRole.MESSAGE).astype(np.int8)}
    message = subgraph(graph, roles, EdgeRole.MESSAGE)
    test = subgraph(graph, roles, EdgeRole.TEST)
    metrics = evaluate_links(popularity(message), build_link_task(message, test, graph))
    # Movie 6 → genre c: a has 3 movies, b is known, c has 1, so the rank is 2. Genre c → movie 6: all six
    # candidates have one edge each, so the rank is the mean of 1 … 6.
    assert metrics["genre"]["mrr"] == pytest.approx((1 / 2 + 1 / 3.5) / 2)


def test_aggregate_metrics_averages_edges_and_relations() -> None:
    ranks = {"actor": torch.ones(3, dtype=torch.float64), "genre": torch.full((1,), 2.0, dtype=torch.float64)}
    metrics = aggregate_metrics({**ranks, "writer": torch.empty(0, dtype=torch.float64)})
    assert set(metrics) == {"actor", "genre", "micro", "macro"}
    assert metrics["micro"]["mrr"] == pytest.approx(3.5 / 4)
    assert metrics["macro"]["mrr"] == pytest.approx(0.75)
    assert metrics["macro"]["mrr_low"] == metrics["macro"]["mrr_high"] == pytest.approx(0.75)


def test_headline_metrics_are_those_of_the_gnn() -> None:
    models = {
        "popularity": {},
        "gnn": {"micro": {"mrr": 0.31234, "mrr_low": 0.30, "mrr_high": 0.32}, "macro": {"mrr": 0.2}},
    }
    assert headline_metrics(models) == {"mrr": 0.312, "mrr_macro": 0.2}
    assert headline_metrics({}) == {}


def test_calibrate_relation_weights_drops_misleading_weights() -> None:
    graph = grouped_graph(60)
    features = np.random.default_rng(1).normal(size=(60, 12)).astype(np.float32)
    inputs = prepare_inputs(to_hetero_data(graph, features))
    task = build_link_task(graph, graph, graph)
    model = build_link_predictor(inputs, gnn_params(), 0).eval()
    with torch.no_grad():
        model.weights["actor"].fill_(-1.0)
        before = evaluate_links(model(inputs), task)
        calibrate_relation_weights(model, inputs, task)
        after = evaluate_links(model(inputs), task)
    assert after["actor"]["mrr"] > before["actor"]["mrr"]
    assert model.weights["actor"].tolist() == [0.0] * 4
    assert after["director"]["mrr"] >= before["director"]["mrr"]


def test_best_epoch_is_the_first_of_equally_good_ones() -> None:
    assert TrainingResult([1.0] * 12, {4: 0.2, 8: 0.3, 12: 0.3}).best_epoch == 8

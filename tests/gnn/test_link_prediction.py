"""The run that is judged by held-out links, on graphs whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from reelgraph.gnn.link_metrics import aggregate_metrics, evaluate_links
from reelgraph.gnn.link_prediction import evaluate_link_prediction, popularity
from reelgraph.gnn.link_predictor import prepare_inputs
from reelgraph.gnn.link_splits import build_link_task
from reelgraph.gnn.sage import to_hetero_data
from reelgraph.gnn.trainer import TrainingResult, build_link_predictor, calibrate_relation_weights
from reelgraph.graph.edge_split import EdgeRole, split_edges, subgraph
from reelgraph.schemas.kg import KnowledgeGraph, Relation
from tests.helpers.graphs import gnn_params

MODELS = {"gnn", "random", "popularity", "cosine", "distmult", "transe"}
MEASURES = {"mrr", "hits_1", "hits_3", "hits_10"}


def planted(movies: int = 240, groups: int = 8, dim: int = 12) -> KnowledgeGraph:
    """Movies of a group share its actors and its director; every node is equally popular."""
    rng = np.random.default_rng(0)
    group = np.arange(movies) % groups
    relations = {}
    for kind, of_group, each in (("actor", 5, 3), ("director", 2, 1)):
        size = groups * of_group
        chosen = [g * of_group + rng.permutation(of_group)[:each] for g in group]
        entities = np.sort(np.array(chosen), axis=1).ravel()
        vectors = rng.normal(size=(size, dim)).astype(np.float32)
        names = tuple(f"{kind} {i:02}" for i in range(size))
        relations[kind] = Relation(names, vectors, np.repeat(np.arange(movies), each), entities)
    return KnowledgeGraph(np.arange(movies), relations)


def judged(graph: KnowledgeGraph, val_share: float = 0.1, test_share: float = 0.1, **changed: object):
    features = np.random.default_rng(1).normal(size=(len(graph.movie_ids), 12)).astype(np.float32)
    parts = split_edges(graph, val_share, test_share, 0)
    params = gnn_params(**{"hidden_dim": 16, "out_dim": 12, "epochs": 40, "learning_rate": 0.01} | changed)
    return evaluate_link_prediction(graph, parts, features, params, 3)


def test_the_network_finds_a_planted_structure_that_popularity_cannot() -> None:
    found = judged(planted())
    assert set(found.metrics) == MODELS
    for model in found.metrics.values():
        assert set(model) == {"actor", "director", "micro", "macro"}
        assert all(set(measured) == MEASURES for measured in model.values())
    mrr = {name: model["macro"]["mrr"] for name, model in found.metrics.items()}
    assert mrr["gnn"] > 2 * max(mrr["popularity"], mrr["cosine"], mrr["random"])
    for kind in ("actor", "director"):
        assert found.metrics["gnn"][kind]["hits_10"] > found.metrics["popularity"][kind]["hits_10"]
    assert found.training.best_epoch == max(
        found.training.validation_mrr, key=found.training.validation_mrr.get
    )


def test_the_run_is_the_same_twice_and_another_with_another_split() -> None:
    graph = planted(60)
    first, again = judged(graph, epochs=4), judged(graph, epochs=4)
    assert first.metrics == again.metrics
    assert first.metrics != judged(graph, test_fraction=0.2, epochs=4).metrics


def test_where_nothing_is_held_out_nothing_is_judged_and_all_epochs_run() -> None:
    found = judged(planted(60), 0.0, 0.0, epochs=5)
    assert found.metrics == {}
    assert found.training.validation_mrr == {}
    assert found.training.best_epoch == len(found.training.losses) == 5


def test_the_references_training_can_be_judged_too() -> None:
    found = judged(planted(60), loss="bpr", epochs=3)
    assert set(found.metrics) == MODELS
    assert found.training.best_epoch == 3


def test_popularity_has_known_answers() -> None:
    edges = {(0, 0), (1, 0), (2, 0), (3, 1), (4, 1), (5, 2), (6, 1), (6, 2)}
    rows, entities = np.array(sorted(edges)).T.copy()
    names, vectors = ("a", "b", "c"), np.zeros((3, 2), np.float32)
    graph = KnowledgeGraph(np.arange(7), {"genre": Relation(names, vectors, rows, entities)})
    hidden = np.array([(m, e) == (6, 2) for m, e in zip(rows, entities, strict=True)])
    parts = {"genre": np.where(hidden, EdgeRole.TEST, EdgeRole.MESSAGE).astype(np.int8)}
    message, test = subgraph(graph, parts, EdgeRole.MESSAGE), subgraph(graph, parts, EdgeRole.TEST)
    found = evaluate_links(popularity(message), build_link_task(message, test, graph))
    # Movie 6 → genre c: a has 3 movies, b is known, c has 1: rank 2. Genre c → movie 6: its 6 rivals but the
    # known movie 5 have one edge each, as movie 6: the middle of 1 … 6.
    assert found["genre"]["mrr"] == pytest.approx((1 / 2 + 1 / 3.5) / 2)


def test_micro_counts_edges_and_macro_relations() -> None:
    ranks = {"actor": torch.ones(3, dtype=torch.float64), "genre": torch.full((1,), 2.0, dtype=torch.float64)}
    found = aggregate_metrics({**ranks, "writer": torch.empty(0, dtype=torch.float64)})
    assert set(found) == {"actor", "genre", "micro", "macro"}
    assert found["micro"]["mrr"] == pytest.approx(3.5 / 4)
    assert found["macro"]["mrr"] == pytest.approx(0.75)


def test_a_relation_whose_vectors_mislead_is_left_to_popularity() -> None:
    graph = planted(60)
    features = np.random.default_rng(1).normal(size=(60, 12)).astype(np.float32)
    given, every = prepare_inputs(to_hetero_data(graph, features)), build_link_task(graph, graph, graph)
    model = build_link_predictor(given, gnn_params(), 0).eval()
    with torch.no_grad():
        model.weights["actor"].fill_(-1.0)
        before = evaluate_links(model(given), every)
        calibrate_relation_weights(model, given, every)
        after = evaluate_links(model(given), every)
    assert after["actor"]["mrr"] > before["actor"]["mrr"]
    assert model.weights["actor"].tolist() == [0.0] * 4
    assert after["director"]["mrr"] >= before["director"]["mrr"]


def test_the_first_of_equally_good_epochs_is_chosen() -> None:
    assert TrainingResult([1.0] * 12, {4: 0.2, 8: 0.3, 12: 0.3}).best_epoch == 8

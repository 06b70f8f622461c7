"""Random knowledge graphs and small GNN params for tests."""

from __future__ import annotations

import numpy as np

from reelgraph.core.schemas.kg import KnowledgeGraph, Relation
from reelgraph.params.base import Compute
from reelgraph.params.graph import EvaluateLinksParams, Gnn, Kg

ENTITY_COUNTS = {"actor": 30, "genre": 4, "company": 7}


def random_graph(n_movies: int, dim: int, seed: int = 0) -> KnowledgeGraph:
    """Return a graph with relations of three types; the last movie has no edge."""
    rng = np.random.default_rng(seed)
    relations = {}
    for entity_type, count in ENTITY_COUNTS.items():
        entities = rng.integers(0, count, (2 * n_movies, 1))
        random_edges = np.column_stack([rng.integers(0, n_movies - 1, 2 * n_movies), entities])
        one_per_entity = np.column_stack([np.arange(count) % (n_movies - 1), np.arange(count)])
        edges = np.unique(np.vstack([random_edges, one_per_entity]), axis=0)
        vectors = rng.normal(size=(count, dim)).astype(np.float32)
        names = tuple(f"{entity_type} {i:03}" for i in range(count))
        relations[entity_type] = Relation(names, vectors, edges[:, 0].copy(), edges[:, 1].copy())
    return KnowledgeGraph(np.arange(n_movies) + 100, relations)


def gnn_params(**overrides: object) -> Gnn:
    """Return the params of a small GNN, with overrides."""
    params = {
        "hidden_dim": 8, "out_dim": 4, "loss": "softmax", "epochs": 25, "patience": 4, "dropout": 0.3,
        "learning_rate": 0.03, "precision": "float32",
    }  # fmt: skip
    return Gnn(**(params | overrides))


def link_params(embedding_baselines: bool = False, **overrides: object) -> EvaluateLinksParams:
    """Return the params of stage evaluate_links with ``gnn_params``."""
    kg = Kg(
        fasttext="train", fasttext_epochs=1, val_fraction=0.1, test_fraction=0.1,
        embedding_baselines=embedding_baselines,
    )  # fmt: skip
    compute = Compute(threads=1, device="cpu")
    return EvaluateLinksParams(seed=3, kg=kg, gnn=gnn_params(**overrides), compute=compute)

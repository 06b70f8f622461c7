"""Graphs to test with."""

from __future__ import annotations

import numpy as np

from reelgraph.params.graph import Gnn
from reelgraph.schemas.kg import KnowledgeGraph, Relation

SIZES = {"actor": 30, "genre": 4, "company": 7}


def random_graph(movies: int, dim: int, seed: int = 0) -> KnowledgeGraph:
    """Relations of three types; the last movie has no edge at all."""
    rng = np.random.default_rng(seed)
    relations = {}
    for kind, size in SIZES.items():
        chosen = rng.integers(0, size, (2 * movies, 1))
        pairs = np.column_stack([rng.integers(0, movies - 1, 2 * movies), chosen])
        every = np.column_stack([np.arange(size) % (movies - 1), np.arange(size)])
        edges = np.unique(np.vstack([pairs, every]), axis=0)
        vectors = rng.normal(size=(size, dim)).astype(np.float32)
        names = tuple(f"{kind} {i:03}" for i in range(size))
        relations[kind] = Relation(names, vectors, edges[:, 0].copy(), edges[:, 1].copy())
    return KnowledgeGraph(np.arange(movies) + 100, relations)


def gnn_params(**changed: object) -> Gnn:
    """Params of a small network."""
    params = {
        "hidden_dim": 8, "out_dim": 4, "loss": "softmax", "epochs": 25, "patience": 4, "dropout": 0.3,
        "learning_rate": 0.03, "precision": "float32",
    }  # fmt: skip
    return Gnn(**(params | changed))

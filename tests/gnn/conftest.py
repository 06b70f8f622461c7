from __future__ import annotations

import numpy as np
import pytest
import torch

from reelgraph.schemas.kg import KnowledgeGraph, Relation

SIZES = {"actor": 30, "genre": 4, "company": 7}


@pytest.fixture(autouse=True)
def _two_threads() -> None:
    torch.set_num_threads(2)


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


@pytest.fixture
def graph() -> KnowledgeGraph:
    return random_graph(20, 6)


@pytest.fixture
def features() -> np.ndarray:
    return np.random.default_rng(9).normal(size=(20, 5)).astype(np.float32)

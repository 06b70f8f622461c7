from __future__ import annotations

import numpy as np
import pytest
import torch

from reelgraph.core.schemas.kg import KnowledgeGraph
from tests.helpers.graphs import random_graph


@pytest.fixture(autouse=True)
def _two_threads() -> None:
    torch.set_num_threads(2)


@pytest.fixture
def graph() -> KnowledgeGraph:
    return random_graph(20, 6)


@pytest.fixture
def features() -> np.ndarray:
    return np.random.default_rng(9).normal(size=(20, 5)).astype(np.float32)

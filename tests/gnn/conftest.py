from __future__ import annotations

import numpy as np
import pytest

from reelgraph.core.schemas.kg import KnowledgeGraph
from tests.helpers.graphs import random_graph


@pytest.fixture
def graph() -> KnowledgeGraph:
    return random_graph(20, 6)


@pytest.fixture
def features() -> np.ndarray:
    return np.random.default_rng(9).normal(size=(20, 5)).astype(np.float32)

from __future__ import annotations

import numpy as np

from reelgraph.schemas.kg import KnowledgeGraph, Relation, shared_entities


def test_names_that_both_movies_have_each_once() -> None:
    vectors = np.ones((3, 2), np.float32)
    actor = Relation(("Ann", "Bo", "Cy"), vectors, np.array([0, 0, 1, 1, 3]), np.array([0, 1, 1, 2, 0]))
    writer = Relation(("Bo",), vectors[:1], np.array([0, 1]), np.array([0, 0]))
    genre = Relation(("Crime", "Drama"), vectors[:2], np.array([0, 1, 2]), np.array([1, 1, 0]))
    graph = KnowledgeGraph(np.arange(4), {"actor": actor, "writer": writer, "genre": genre})
    assert shared_entities(graph, 0, 1) == ["Bo", "Drama"]
    assert shared_entities(graph, 0, 3) == ["Ann"]
    assert shared_entities(graph, 2, 3) == []

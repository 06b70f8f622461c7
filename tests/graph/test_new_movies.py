from __future__ import annotations

import numpy as np
import pyarrow as pa

from reelgraph.core.schemas.kg import KnowledgeGraph, Relation
from reelgraph.graph.new_movies import append_movies


def test_append_movies_links_known_entities_and_embeds_the_others() -> None:
    vectors = np.array([[1, 0], [0, 1]], np.float32)
    fitted = KnowledgeGraph(
        np.array([10]), {"actor": Relation(("Ann", "Cy"), vectors, np.array([0, 0]), np.array([0, 1]))}
    )
    movies = pa.table(
        {
            "movie_id": [10, 99],
            "actor_1": ["Ann", "Bo"],
            "actor_2": ["Cy", "Cy"],
            "genre_1": [None, "Drama"],
        }
    )
    requests = []

    def embed(names: list[str]) -> np.ndarray:
        requests.append(names)
        return np.full((len(names), 2), 7, np.float32)

    graph = append_movies(fitted, movies, embed)
    assert requests == [["Bo"]]
    assert graph.movie_ids.tolist() == [10, 99]
    assert list(graph.relations) == ["actor"]  # the GNN has no weights for genres
    actor = graph.relations["actor"]
    assert actor.entity_names == ("Ann", "Bo", "Cy")
    assert actor.entity_vectors.tolist() == [[1, 0], [7, 7], [0, 1]]
    assert actor.movie_rows.tolist() == [0, 0, 1, 1]
    assert actor.entity_index.tolist() == [0, 2, 1, 2]

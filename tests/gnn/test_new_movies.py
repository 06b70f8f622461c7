from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from reelgraph.core.schemas.kg import KnowledgeGraph
from reelgraph.gnn.io import read_model, write_model
from reelgraph.gnn.new_movies import embed_new_movies
from reelgraph.gnn.trainer import train_on_all_edges
from reelgraph.runtime.errors import ArtifactError
from tests.helpers.graphs import gnn_params, random_graph

MOVIES = 40


def without_last_movie(graph: KnowledgeGraph) -> KnowledgeGraph:
    """Return the graph without its last movie, which has no edge."""
    return replace(graph, movie_ids=graph.movie_ids[:-1])


@pytest.mark.parametrize("loss", ["softmax", "bpr"])
def test_embed_new_movies_embeds_a_copy_like_its_original(loss: str, tmp_path: Path) -> None:
    graph = random_graph(MOVIES, 6)
    features = np.random.default_rng(1).normal(size=(MOVIES, 6)).astype(np.float32)
    features[-1] = features[5]
    fitted = without_last_movie(graph)
    trained = train_on_all_edges(fitted, features[:-1], gnn_params(loss=loss, epochs=3), 3, seed=1)
    write_model(trained.model, tmp_path / "gnn")
    model = read_model(tmp_path / "gnn")
    entities = {
        kind: relation.entity_index[relation.movie_rows == 5] for kind, relation in graph.relations.items()
    }
    relations = {
        kind: replace(
            relation,
            movie_rows=np.append(relation.movie_rows, np.full(len(entities[kind]), MOVIES - 1)),
            entity_index=np.append(relation.entity_index, entities[kind]),
        )
        for kind, relation in graph.relations.items()
    }
    copy = replace(graph, relations=relations)
    (new,) = embed_new_movies(model, fitted, copy, features)
    original = trained.embeddings[5]
    assert new @ original / np.linalg.norm(new) / np.linalg.norm(original) > 0.95


def test_embed_new_movies_refuses_a_model_of_other_relations(tmp_path: Path) -> None:
    graph = random_graph(MOVIES, 6)
    features = np.ones((MOVIES, 6), np.float32)
    trained = train_on_all_edges(graph, features, gnn_params(epochs=1), 1, seed=1)
    fewer = replace(graph, relations={"genre": graph.relations["genre"]})
    with pytest.raises(ArtifactError, match="genre"):
        embed_new_movies(trained.model, fewer, fewer, features)
    write_model(trained.model, tmp_path / "gnn")
    (tmp_path / "gnn/config.json").write_text('{"entity_types": ["genre"], "dropout": 0.1}')
    with pytest.raises(ArtifactError, match="train_gnn"):
        read_model(tmp_path / "gnn")

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from reelgraph.gnn.io import write_model, write_validation_curve
from reelgraph.gnn.link_predictor import LinkPredictor, prepare_inputs
from reelgraph.gnn.sage import to_hetero_data
from reelgraph.gnn.trainer import train_on_all_edges
from reelgraph.runtime.errors import TrainingError
from tests.helpers.graphs import gnn_params


def test_learning_is_the_same_to_the_byte_and_lowers_the_loss(graph, features) -> None:
    first, again = (train_on_all_edges(graph, features, gnn_params(), 20, 5) for _ in range(2))
    assert first.embeddings.tobytes() == again.embeddings.tobytes()
    assert first.embeddings.shape == (20, 4)
    assert len(first.losses) == 20
    assert np.mean(first.losses[-5:]) < 0.9 * first.losses[0]
    other = train_on_all_edges(graph, features, gnn_params(), 1, 6)
    assert not np.array_equal(
        other.embeddings, train_on_all_edges(graph, features, gnn_params(), 1, 5).embeddings
    )


def test_one_feature_a_movie_is_enough(graph) -> None:
    years = np.linspace(-2, 2, 20, dtype=np.float32)[:, None]
    assert np.isfinite(train_on_all_edges(graph, years, gnn_params(), 3, 5).embeddings).all()
    assert np.isfinite(train_on_all_edges(graph, np.zeros_like(years), gnn_params(), 3, 5).embeddings).all()


def test_scores_are_dots_plus_popularity(graph, features) -> None:
    trained = train_on_all_edges(graph, features, gnn_params(), 10, 5)
    given = prepare_inputs(to_hetero_data(graph, features))
    with torch.no_grad():
        scores = trained.model(given)
        movies, entities = trained.model.sage(given.graph, given.movies, given.entities, given.means)
    np.testing.assert_array_equal(scores.movies, trained.embeddings)
    degrees = torch.bincount(torch.tensor(graph.relations["genre"].entity_index)).float()
    share = scores.entity_bias["genre"] / torch.log(1 + degrees)
    torch.testing.assert_close(share, share[:1].expand(4))
    table = (movies * trained.model.weights["genre"]) @ entities[30:34].T
    table = table + scores.movie_bias["genre"][:, None] + scores.entity_bias["genre"]
    torch.testing.assert_close(scores.table("genre", slice(None), slice(None)), table)


def test_a_saved_model_comes_back(graph, features, tmp_path: Path) -> None:
    model = train_on_all_edges(graph, features, gnn_params(), 2, 5).model
    write_model(model, tmp_path / "gnn")
    config = json.loads((tmp_path / "gnn/config.json").read_text())
    again = LinkPredictor(tuple(config.pop("kinds")), **config)
    again.load_state_dict(load_file(tmp_path / "gnn/model.safetensors"))
    for name, weight in model.state_dict().items():
        assert torch.equal(again.state_dict()[name], weight)


def test_a_loss_that_is_not_finite_names_its_epoch(graph, features) -> None:
    features[3, 2] = np.nan
    with pytest.raises(TrainingError, match=r"epoch 1: expected a finite loss, got nan"):
        train_on_all_edges(graph, features, gnn_params(), 2, 5)


def test_the_looks_have_a_row_each(tmp_path: Path) -> None:
    write_validation_curve({4: 0.1, 8: 0.25}, tmp_path / "looks.tsv")
    assert (tmp_path / "looks.tsv").read_text() == "epoch\tmrr\n4\t0.100000\n8\t0.250000\n"

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
from reelgraph.gnn.trainer import average_weights, train_on_all_edges
from reelgraph.runtime.errors import TrainingError
from tests.helpers.graphs import gnn_params


def test_train_on_all_edges_is_reproducible_and_lowers_the_loss(graph, features) -> None:
    first, second = (train_on_all_edges(graph, features, gnn_params(), 20, 5) for _ in range(2))
    assert first.embeddings.tobytes() == second.embeddings.tobytes()
    assert first.embeddings.shape == (20, 4)
    assert len(first.losses) == 20
    assert np.mean(first.losses[-5:]) < 0.9 * first.losses[0]
    seed_5, seed_6 = (train_on_all_edges(graph, features, gnn_params(), 1, seed) for seed in (5, 6))
    assert not np.array_equal(seed_5.embeddings, seed_6.embeddings)


def test_train_on_all_edges_accepts_one_constant_feature(graph) -> None:
    years = np.linspace(-2, 2, 20, dtype=np.float32)[:, None]
    assert np.isfinite(train_on_all_edges(graph, years, gnn_params(), 3, 5).embeddings).all()
    assert np.isfinite(train_on_all_edges(graph, np.zeros_like(years), gnn_params(), 3, 5).embeddings).all()


def test_link_predictor_scores_are_dot_products_plus_popularity(graph, features) -> None:
    trained = train_on_all_edges(graph, features, gnn_params(), 10, 5)
    inputs = prepare_inputs(to_hetero_data(graph, features))
    with torch.no_grad():
        scores = trained.model(inputs)
        movies, entities = trained.model.sage(inputs.graph, inputs.movies, inputs.entities, inputs.means)
    np.testing.assert_array_equal(scores.movies, trained.embeddings)
    degrees = torch.bincount(torch.tensor(graph.relations["genre"].entity_index)).float()
    factor = scores.entity_bias["genre"] / torch.log(1 + degrees)
    torch.testing.assert_close(factor, factor[:1].expand(4))
    table = (movies * trained.model.weights["genre"]) @ entities[30:34].T
    table = table + scores.movie_bias["genre"][:, None] + scores.entity_bias["genre"]
    torch.testing.assert_close(scores.score_all(*scores.sides("genre"), torch.arange(20)), table)


def test_write_model_can_be_loaded(graph, features, tmp_path: Path) -> None:
    model = train_on_all_edges(graph, features, gnn_params(), 2, 5).model
    write_model(model, tmp_path / "gnn")
    config = json.loads((tmp_path / "gnn/config.json").read_text())
    loaded = LinkPredictor(tuple(config.pop("entity_types")), **config)
    loaded.load_state_dict(load_file(tmp_path / "gnn/model.safetensors"))
    for name, weight in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], weight)


def test_average_weights_favours_the_newest_epochs() -> None:
    average = torch.tensor([1.0])
    for epoch in range(2, 101):
        average_weights([average], [torch.tensor([float(epoch)])], epoch - 1)
    # Epoch t has a weight that grows as t³, whose mean over 0 … T is 4/5 T.
    assert average.item() == pytest.approx(80, abs=1)


def test_train_on_all_edges_raises_for_a_loss_that_is_not_finite(graph, features) -> None:
    features[3, 2] = np.nan
    with pytest.raises(TrainingError, match=r"epoch 1: expected a finite loss, got nan"):
        train_on_all_edges(graph, features, gnn_params(), 2, 5)


def test_write_validation_curve_has_one_row_per_evaluation(tmp_path: Path) -> None:
    write_validation_curve({4: 0.1, 8: 0.25}, tmp_path / "curve.tsv")
    assert (tmp_path / "curve.tsv").read_text() == "epoch\tmrr\n4\t0.100000\n8\t0.250000\n"

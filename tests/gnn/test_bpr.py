from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from reelgraph.gnn.bpr import TrainedGnn, train_bpr
from reelgraph.gnn.io import write_loss_curve, write_model
from reelgraph.gnn.sage import HeteroSage, to_hetero_data
from reelgraph.runtime.errors import TrainingError
from tests.helpers.graphs import gnn_params


def trained(graph, features, seed: int = 5, **changed: object) -> TrainedGnn:
    return train_bpr(to_hetero_data(graph, features), gnn_params(loss="bpr", **changed), seed)


def test_training_is_the_same_to_the_byte_and_lowers_the_loss(graph, features, tmp_path: Path) -> None:
    first, second = trained(graph, features), trained(graph, features)
    assert first.embeddings.tobytes() == second.embeddings.tobytes()
    assert first.losses == second.losses
    assert np.mean(first.losses[-5:]) < 0.8 * first.losses[0]
    assert first.embeddings.shape == (20, 4)
    for name, each in (("a", first), ("b", second)):
        write_model(each.model, tmp_path / name)
    assert (tmp_path / "a/model.safetensors").read_bytes() == (tmp_path / "b/model.safetensors").read_bytes()
    assert not np.array_equal(trained(graph, features, seed=6, epochs=1).embeddings, first.embeddings)


def test_the_references_run_is_what_it_was(graph, features) -> None:
    """Values of the first version of this training; a change of draws or formulae shows in all of them."""
    found = trained(graph, features, epochs=3)
    assert found.losses == pytest.approx([2.09421539, 2.03669810, 2.03784323], rel=1e-5)
    np.testing.assert_allclose(
        found.embeddings[[0, -1]],
        [
            [-0.45425922, 0.08033715, 0.59184241, 0.09951537],
            [-0.29685101, -0.07293443, 0.34773451, 0.00830359],
        ],
        atol=1e-5,
    )


def test_bfloat16_products_stay_near_and_are_undone(graph, features) -> None:
    near = trained(graph, features, epochs=3, precision="bfloat16")
    assert near.losses == pytest.approx(trained(graph, features, epochs=3).losses, rel=0.02)
    assert torch.get_float32_matmul_precision() == "highest"


def test_a_saved_model_comes_back(graph, features, tmp_path: Path) -> None:
    model = trained(graph, features, epochs=1).model
    write_model(model, tmp_path / "gnn")
    config = json.loads((tmp_path / "gnn/config.json").read_text())
    again = HeteroSage(tuple(config.pop("kinds")), **config)
    again.load_state_dict(load_file(tmp_path / "gnn/model.safetensors"))
    for name, weight in model.state_dict().items():
        assert torch.equal(again.state_dict()[name], weight)


def test_a_loss_that_is_not_finite_names_its_epoch(graph, features) -> None:
    features[3, 2] = np.nan
    with pytest.raises(TrainingError, match=r"train_gnn, epoch 1: expected a finite loss, got nan"):
        trained(graph, features)


def test_the_curve_has_a_row_an_epoch(tmp_path: Path) -> None:
    write_loss_curve([2.0, 1.5], tmp_path / "curve.tsv")
    assert (tmp_path / "curve.tsv").read_text() == "epoch\tloss\n1\t2.000000\n2\t1.500000\n"

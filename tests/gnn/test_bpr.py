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


def run_train_bpr(graph, features, seed: int = 5, **overrides: object) -> TrainedGnn:
    return train_bpr(to_hetero_data(graph, features), gnn_params(loss="bpr", **overrides), seed)


def test_train_bpr_is_reproducible_and_lowers_the_loss(graph, features, tmp_path: Path) -> None:
    first, second = (run_train_bpr(graph, features) for _ in range(2))
    assert first.embeddings.tobytes() == second.embeddings.tobytes()
    assert first.losses == second.losses
    assert np.mean(first.losses[-5:]) < 0.8 * first.losses[0]
    assert first.embeddings.shape == (20, 4)
    for name, trained in (("a", first), ("b", second)):
        write_model(trained.model, tmp_path / name)
    assert (tmp_path / "a/model.safetensors").read_bytes() == (tmp_path / "b/model.safetensors").read_bytes()
    assert not np.array_equal(run_train_bpr(graph, features, seed=6, epochs=1).embeddings, first.embeddings)


def test_train_bpr_gives_the_references_values(graph, features) -> None:
    """Values of the first version of this training; any change of random numbers or formulas shows."""
    trained = run_train_bpr(graph, features, epochs=3)
    assert trained.losses == pytest.approx([2.09421539, 2.03669810, 2.03784323], rel=1e-5)
    np.testing.assert_allclose(
        trained.embeddings[[0, -1]],
        [
            [-0.45425922, 0.08033715, 0.59184241, 0.09951537],
            [-0.29685101, -0.07293443, 0.34773451, 0.00830359],
        ],
        atol=1e-5,
    )


def test_train_bpr_in_bfloat16_is_close_to_float32(graph, features) -> None:
    rounded = run_train_bpr(graph, features, epochs=3, precision="bfloat16")
    assert rounded.losses == pytest.approx(run_train_bpr(graph, features, epochs=3).losses, rel=0.02)


def test_write_model_can_be_loaded(graph, features, tmp_path: Path) -> None:
    model = run_train_bpr(graph, features, epochs=1).model
    write_model(model, tmp_path / "gnn")
    config = json.loads((tmp_path / "gnn/config.json").read_text())
    loaded = HeteroSage(tuple(config.pop("entity_types")), **config)
    loaded.load_state_dict(load_file(tmp_path / "gnn/model.safetensors"))
    for name, weight in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], weight)


def test_train_bpr_raises_for_a_loss_that_is_not_finite(graph, features) -> None:
    features[3, 2] = np.nan
    with pytest.raises(TrainingError, match=r"train_gnn, epoch 1: expected a finite loss, got nan"):
        run_train_bpr(graph, features)


def test_write_loss_curve_has_one_row_per_epoch(tmp_path: Path) -> None:
    write_loss_curve([2.0, 1.5], tmp_path / "curve.tsv")
    assert (tmp_path / "curve.tsv").read_text() == "epoch\tloss\n1\t2.000000\n2\t1.500000\n"

"""What every rater owes its users, whatever its architecture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from reelgraph.errors import ArtifactError
from reelgraph.histories.arrays import Histories
from reelgraph.histories.batches import Batch
from reelgraph.params.rater import Model
from reelgraph.raters import building
from reelgraph.raters.training import predict
from tests.histories.strategies import random_histories

MOVIES, DIM, WINDOW = 40, 12, 30


def model_of(kind: str, **changes: object) -> Model:
    shape = {"max_history": WINDOW, "hidden_dim": 16, "dropout": 0.1, "layers": 2, "heads": 4}
    return Model.model_validate({"embedding": "kg_gnn_bert", "type": kind} | shape | changes)


@pytest.fixture(params=["attention", "transformer"])
def model(request: pytest.FixtureRequest) -> Model:
    return model_of(request.param)


@pytest.fixture
def vectors() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(MOVIES, DIM)).astype(np.float32)


@pytest.fixture
def rater(model: Model, vectors: np.ndarray) -> nn.Module:
    torch.manual_seed(0)
    return building.build(model, vectors).eval()


@pytest.fixture
def people() -> Histories:
    return random_histories(3, 9, MOVIES, 60)


def every(people: Histories) -> np.ndarray:
    return np.arange(len(people.code))


def test_predictions_are_finite_and_on_the_scale(rater: nn.Module, people: Histories) -> None:
    predicted = predict(rater, people, every(people), WINDOW)
    assert np.isfinite(predicted).all()
    assert predicted.min() >= 0.5
    assert predicted.max() <= 5.0


def test_batch_size_and_padding_do_not_matter(rater: nn.Module, people: Histories) -> None:
    index = every(people)
    together = predict(rater, people, index, WINDOW)
    alone = np.concatenate([predict(rater, people, index[i : i + 1], WINDOW) for i in range(len(index))])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_the_future_does_not_matter(rater: nn.Module, people: Histories) -> None:
    index = people.val
    changed = people.code.copy()
    for target in index:
        changed[target : people.offsets[people.users_of(np.array([target]))[0] + 1]] = 1
    other = Histories(**{**people.__dict__, "code": changed})
    assert (predict(rater, people, index, WINDOW) == predict(rater, other, index, WINDOW)).all()


def test_the_history_does_matter(rater: nn.Module, people: Histories) -> None:
    other = Histories(**{**people.__dict__, "code": (11 - people.code).astype(np.uint8)})
    a, b = predict(rater, people, people.val, WINDOW), predict(rater, other, people.val, WINDOW)
    assert (a != b).all()


def test_an_empty_history_gives_a_prediction_of_the_movie_alone(rater: nn.Module) -> None:
    empty = Batch(
        history=torch.zeros(2, 3, dtype=torch.int64),
        ratings=torch.tensor([[0.0, 0.0, 0.0], [0.3, 0.9, 0.1]]),
        mask=torch.zeros(2, 3, dtype=torch.bool),
        target=torch.tensor([5, 5]),
    )
    predicted = rater(empty)
    assert torch.isfinite(predicted).all()
    assert predicted[0] == predicted[1]


def test_save_and_load_give_equal_bytes_and_predictions(
    rater: nn.Module, model: Model, vectors: np.ndarray, people: Histories, tmp_path: Path
) -> None:
    building.save(rater, tmp_path / "a.safetensors")
    loaded = building.load(model, vectors, tmp_path / "a.safetensors")
    building.save(loaded, tmp_path / "b.safetensors")
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()
    before, after = (predict(r, people, people.val, WINDOW) for r in (rater, loaded))
    assert (before == after).all()


def test_weights_of_another_model_are_refused(
    rater: nn.Module, model: Model, vectors: np.ndarray, tmp_path: Path
) -> None:
    building.save(rater, tmp_path / "a.safetensors")
    with pytest.raises(ArtifactError, match=f"weights of a {model.type} rater"):
        building.load(model.model_copy(update={"hidden_dim": 32}), vectors, tmp_path / "a.safetensors")
    (tmp_path / "a.safetensors").write_bytes(b"not weights")
    with pytest.raises(ArtifactError, match="a.safetensors"):
        building.load(model, vectors, tmp_path / "a.safetensors")


def test_the_reference_has_181_762_parameters() -> None:
    rater = building.build(model_of("attention", hidden_dim=128), np.ones((3, 300), np.float32))
    assert building.parameters(rater) == 181_762

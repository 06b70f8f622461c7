from __future__ import annotations

import numpy as np
import pytest
import torch

from reelgraph.core.metrics import rmse
from reelgraph.params.model import Train
from reelgraph.raters.networks.attention import AttentionRater
from reelgraph.raters.networks.base import Network
from reelgraph.raters.networks.trainer import Trainer, TrainResult, predict_stars
from reelgraph.runtime.errors import TrainingError
from reelgraph.sequences.dataset import UserHistories, star_ratings
from tests.helpers.history_strategies import random_histories

TRAIN = Train(
    epochs=6, batch_size=32, users_per_batch=0, learning_rate=0.01, weight_decay=0.01, cosine_epochs=6,
    min_learning_rate=1e-5, clip_norm=1.0, precision="float32", processes=1,
)  # fmt: skip


def people() -> UserHistories:
    """Half of the people like everything, half nothing: a rater can see which from one rating."""
    made = random_histories(5, 40, 30, 40)
    fond = np.repeat(np.arange(40) % 2 == 0, np.diff(made.offsets))
    return UserHistories(**{**made.__dict__, "half_star_code": np.where(fond, 9, 2).astype(np.uint8)})


def make() -> Network:
    return AttentionRater(torch.nn.functional.normalize(torch.randn(30, 8), dim=1), 16, 0.1)


def trained(histories: UserHistories, **changes: object) -> TrainResult:
    return Trainer(make, TRAIN.model_copy(update=changes), 30, seed=7).train(histories)


def test_train_learns_from_the_history() -> None:
    histories = people()
    result = trained(histories)
    assert result.best_epoch.val_rmse < 0.5
    assert result.epochs[-1].train_loss < result.epochs[0].train_loss


def test_train_selects_the_first_epoch_with_the_lowest_validation_rmse() -> None:
    histories = people()
    result = trained(histories)
    lowest = min(epoch.val_rmse for epoch in result.epochs)
    assert result.best_epoch == next(epoch for epoch in result.epochs if epoch.val_rmse == lowest)
    repeated = predict_stars(result.network, histories, histories.val, 30)
    assert rmse(star_ratings(histories, histories.val), repeated) == result.best_epoch.val_rmse


def test_train_is_deterministic() -> None:
    first, second = (trained(people(), epochs=2).network.state_dict() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("users", [0, 8])
def test_train_in_bfloat16_learns_as_well(users: int) -> None:
    plain, bfloat16 = (
        trained(people(), users_per_batch=users, precision=number_format)
        for number_format in ("float32", "bfloat16")
    )
    assert all(weight.dtype == torch.float32 for weight in bfloat16.network.parameters())
    assert bfloat16.best_epoch.val_rmse == pytest.approx(plain.best_epoch.val_rmse, abs=0.05)
    assert bfloat16.epochs[0].train_loss != plain.epochs[0].train_loss


def test_train_rejects_histories_without_validation_targets() -> None:
    histories = UserHistories(**{**people().__dict__, "val": np.zeros(0, np.int64)})
    with pytest.raises(TrainingError, match="expected validation targets, got none"):
        trained(histories)


def test_train_names_the_batch_of_a_loss_that_is_not_finite() -> None:
    def broken() -> Network:
        rater = make()
        with torch.no_grad():
            rater.query.weight.fill_(float("nan"))
        return rater

    with pytest.raises(TrainingError, match="epoch 1, batch with target"):
        Trainer(broken, TRAIN, 30, seed=7).train(people())

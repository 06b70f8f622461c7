"""Training a rater: MSE on scaled ratings, the epoch with the lowest validation RMSE wins."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import nn
from torch.nn.functional import mse_loss
from torch.nn.utils import clip_grad_norm_
from torch.optim import AdamW
from torch.optim.lr_scheduler import CosineAnnealingLR

from reelgraph.errors import TrainingError
from reelgraph.histories.arrays import Histories
from reelgraph.histories.batches import gather, scaled, stars
from reelgraph.metrics import mae, mse, rmse
from reelgraph.params.rater import Train
from reelgraph.progress import progress
from reelgraph.seeds import derive
from reelgraph.stars import SPAN, from_scaled

PREDICT_BATCH = 1024


@dataclass(frozen=True)
class Epoch:
    """What one epoch gave; losses on scaled ratings, errors in stars."""

    epoch: int
    train_loss: float
    """As it ran, with dropout."""
    train_rmse: float
    val_loss: float
    val_rmse: float
    val_mae: float

    def curves(self) -> dict[str, float]:
        """Return the figures under their curve names, ``train/loss`` and so on."""
        return {k.replace("_", "/"): v for k, v in asdict(self).items() if k != "epoch"}


@dataclass(frozen=True)
class Trained:
    """A trained rater, the epoch whose weights it has, and how it got there."""

    rater: nn.Module
    best: Epoch
    epochs: list[Epoch]


def predict(
    rater: nn.Module, histories: Histories, index: Int64[np.ndarray, "n"], max_history: int
) -> Float[np.ndarray, "n"]:
    """Predict the ratings at ``index``, in stars, float64; the rater is put into eval mode."""
    rater.eval()
    with torch.inference_mode():
        parts = [
            rater(gather(histories, index[start : start + PREDICT_BATCH], max_history)).numpy()
            for start in range(0, len(index), PREDICT_BATCH)
        ]
    return from_scaled(np.concatenate([np.zeros(0, np.float32), *parts]).astype(np.float64))


def train(
    make: Callable[[], nn.Module],
    histories: Histories,
    params: Train,
    max_history: int,
    seed: int,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
) -> Trained:
    """Train for all epochs and keep the first with the strictly lowest validation RMSE.

    Args:
        make: builds the rater; called under the seed of its weights.
        histories: ratings and targets.
        params: section ``train``.
        max_history: ratings of a history that the rater sees.
        seed: root seed; weights, dropout and the order of targets derive from it.
        on_epoch: told of each epoch when it ends.

    Raises:
        TrainingError: no validation target, or a loss that is not finite.
    """
    if not len(histories.val):
        raise TrainingError("data/histories", "validation targets", "none",
                            "Add ratings, or lower sequences.min_history.")  # fmt: skip
    torch.manual_seed(derive(seed, "rater"))
    rater = make()
    order = np.random.default_rng(derive(seed, "rater/order"))
    optimizer = AdamW(rater.parameters(), params.learning_rate, weight_decay=params.weight_decay)
    schedule = CosineAnnealingLR(optimizer, params.cosine_epochs, params.min_learning_rate)
    epochs: list[Epoch] = []
    best, weights = None, {}
    for number in progress(range(1, params.epochs + 1), "train_rater"):
        loss = _pass(rater, optimizer, histories, order, params, max_history, number)
        schedule.step()
        epoch = _judged(rater, histories, max_history, number, loss)
        on_epoch(epoch)
        epochs.append(epoch)
        if best is None or epoch.val_rmse < best.val_rmse:
            best, weights = epoch, copy.deepcopy(rater.state_dict())
    rater.load_state_dict(weights)
    assert best is not None  # epochs >= 1
    return Trained(rater.eval(), best, epochs)


def _pass(
    rater: nn.Module,
    optimizer: AdamW,
    histories: Histories,
    order: np.random.Generator,
    params: Train,
    max_history: int,
    epoch: int,
) -> float:
    """Take a step for each batch of training targets; return the mean loss as it ran."""
    rater.train()
    total = 0.0
    for index in _shuffled(histories.train, order, params.batch_size):
        predicted = rater(gather(histories, index, max_history))
        loss = mse_loss(predicted, torch.from_numpy(scaled(histories, index)))
        optimizer.zero_grad()
        loss.backward()
        clip_grad_norm_(rater.parameters(), params.clip_norm)
        optimizer.step()
        total += loss.item() * len(index)
        if not np.isfinite(total):
            raise TrainingError(f"epoch {epoch}, batch with target {index[0]}", "a finite loss",
                                str(loss.item()), "Lower train.learning_rate.")  # fmt: skip
    return total / len(histories.train)


def _shuffled(
    targets: Int64[np.ndarray, "targets"], order: np.random.Generator, batch_size: int
) -> Iterator[Int64[np.ndarray, "batch"]]:
    shuffled = order.permutation(targets)
    for start in range(0, len(shuffled), batch_size):
        yield shuffled[start : start + batch_size]


def _judged(rater: nn.Module, histories: Histories, max_history: int, number: int, loss: float) -> Epoch:
    predicted = predict(rater, histories, histories.val, max_history)
    actual = stars(histories, histories.val)
    return Epoch(
        epoch=number,
        train_loss=loss,
        train_rmse=loss**0.5 * SPAN,
        val_loss=mse(actual, predicted) / SPAN**2,
        val_rmse=rmse(actual, predicted),
        val_mae=mae(actual, predicted),
    )

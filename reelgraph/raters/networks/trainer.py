"""Training of networks: MSE on normalized ratings, the epoch with the lowest validation RMSE is selected."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn.functional import mse_loss
from torch.nn.utils import clip_grad_norm_
from torch.optim import AdamW
from torch.optim.lr_scheduler import CosineAnnealingLR

from reelgraph.core.metrics import mae, mse, rmse
from reelgraph.core.rating_scale import STAR_SPAN, denormalize_stars
from reelgraph.core.seeds import derive_seed
from reelgraph.params.model import Train
from reelgraph.raters.networks.base import ForwardHistories, Network
from reelgraph.raters.networks.distributed import SINGLE_PROCESS, ProcessGroup
from reelgraph.raters.rater import Epoch
from reelgraph.runtime.checkpointing import Checkpoint, TrainingState, select_prefix
from reelgraph.runtime.errors import TrainingError
from reelgraph.runtime.progress import progress
from reelgraph.sequences.batches import gather_batch
from reelgraph.sequences.dataset import UserHistories, normalized_ratings, star_ratings

PREDICT_BATCH = 1024
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
"""The dtype of matrix products for each ``train.precision``."""


@dataclass(frozen=True)
class TrainResult:
    """A trained network at its best epoch, and all epochs."""

    network: Network
    best_epoch: Epoch
    epochs: list[Epoch]


def predict_stars(
    network: Network, histories: UserHistories, index: Int64[np.ndarray, "n"], max_history: int
) -> Float[np.ndarray, "n"]:
    """Predict the ratings at ``index``, in stars, float64.

    Args:
        network: put into eval mode.
        histories: all ratings.
        index: indices of the targets.
        max_history: number of ratings of a history that the network reads.
    """
    network.eval()
    order = np.argsort(index, kind="stable")
    predictions = np.zeros(len(index))
    with torch.inference_mode():
        cached = network.with_cached_projections()
        for positions in _split(order, PREDICT_BATCH):
            batch = gather_batch(histories, index[positions], max_history).to(network.movies.device)
            predictions[positions] = cached(batch).cpu().double().numpy()
    return denormalize_stars(predictions)


class BatchForward(nn.Module):
    """The forward pass of a batch of targets, as a module for DistributedDataParallel."""

    def __init__(
        self, network: Network, max_history: int, dtype: torch.dtype, whole_histories: bool = False
    ) -> None:
        """Make the forward pass.

        Args:
            network: what is trained.
            max_history: number of ratings of a history that the network reads.
            dtype: dtype of matrix products; weights and predictions are float32.
            whole_histories: use the network's ``forward_histories``.
        """
        super().__init__()
        self.network = network
        self.max_history = max_history
        self.dtype = dtype
        self.forward_histories: ForwardHistories | None = None
        if whole_histories:
            self.forward_histories = network.forward_histories(max_history, dtype)

    def forward(
        self, histories: UserHistories, index: Int64[np.ndarray, " batch"]
    ) -> Float[Tensor, " batch"]:
        """Predict the normalized ratings at ``index``."""
        if self.forward_histories and (histories.history_end(index) == index).all():
            return self.forward_histories(histories, index)
        device = self.network.movies.device
        batch = gather_batch(histories, index, self.max_history).to(device)
        if self.dtype == torch.float32:
            return self.network(batch)
        with torch.autocast(device.type, self.dtype):
            return self.network(batch).float()


def check_finite_weights(network: nn.Module, where: str) -> None:
    """Check that the last step left all weights finite.

    Raises:
        TrainingError: a weight is infinite or NaN.
    """
    names = [name for name, weight in network.named_parameters() if not weight.isfinite().all()]
    if names:
        raise TrainingError(where, "finite weights", f"infinity or NaN in {', '.join(names)}",
                            "Lower train.learning_rate.")  # fmt: skip


def _best(epochs: list[Epoch]) -> Epoch:
    """Return the first epoch with the lowest validation RMSE."""
    return min(epochs, key=lambda epoch: epoch.val_rmse)


class Trainer:
    """A network in training, with its optimizer, learning rate schedule and order of targets."""

    def __init__(
        self,
        make_network: Callable[[], Network],
        params: Train,
        max_history: int,
        seed: int,
        group: ProcessGroup = SINGLE_PROCESS,
    ) -> None:
        """Make the network.

        Args:
            make_network: builds the network; called after the global seed is set.
            params: section ``train``.
            max_history: number of ratings of a history that the network reads.
            seed: root seed; weights, dropout and the order of targets derive from it.
            group: processes that share each batch, and their device.
        """
        torch.manual_seed(derive_seed(seed, "rater"))
        self.network = make_network().to(group.device)
        self.params = params
        self.max_history = max_history
        self.seed = seed
        self.group = group
        self.forward = group.wrap_ddp(
            BatchForward(self.network, max_history, DTYPES[params.precision], bool(params.users_per_batch))
        )
        self.order_rng = np.random.default_rng(derive_seed(seed, "rater/order"))
        self.optimizer = AdamW(
            self.network.parameters(), params.learning_rate, weight_decay=params.weight_decay, fused=True
        )
        self.schedule = CosineAnnealingLR(self.optimizer, params.cosine_epochs, params.min_learning_rate)
        self.training_state = TrainingState(self.network, self.optimizer, self.order_rng, self.schedule)

    def train(self, histories: UserHistories, checkpoint: Checkpoint | None = None) -> TrainResult:
        """Train for ``train.epochs`` epochs and return the first with the lowest validation RMSE.

        Args:
            histories: ratings and targets.
            checkpoint: where to resume from.

        Raises:
            TrainingError: there are no training or no validation targets, or numbers are not finite.
        """
        for name, targets in (("training", histories.train), ("validation", histories.val)):
            if not len(targets):
                raise TrainingError("data/sequences", f"{name} targets", "none",
                                    "Add ratings, or lower sequences.min_history.")  # fmt: skip
        checkpoint = checkpoint or Checkpoint(None)
        self.training_state.restore(checkpoint)
        epochs = [Epoch(**values) for values in checkpoint.log]
        weights = select_prefix(checkpoint.tensors, "best")
        for number in progress(range(checkpoint.completed + 1, self.params.epochs + 1), "train_rater"):
            loss = self.run_epoch(histories, histories.train, number)
            epochs.append(self._validate(histories, number, loss))
            checkpoint.log.append(asdict(epochs[-1]))
            if _best(epochs) is epochs[-1]:
                weights = copy.deepcopy(self.network.state_dict())
            best_weights = {f"best.{name}": weight for name, weight in weights.items()}
            self.training_state.save(checkpoint, number, best_weights)
        self.network.load_state_dict(weights)
        check_finite_weights(self.network, f"epoch {_best(epochs).epoch}")
        return TrainResult(self.network.eval(), _best(epochs), epochs)

    def refit(self, histories: UserHistories, epochs: int, checkpoint: Checkpoint | None = None) -> Network:
        """Train on training and validation targets for ``epochs`` epochs; see ``train``.

        Raises:
            TrainingError: numbers are not finite.
        """
        targets = np.sort(np.concatenate([histories.train, histories.val]))
        checkpoint = checkpoint or Checkpoint(None)
        self.training_state.restore(checkpoint)
        for number in progress(range(checkpoint.completed + 1, epochs + 1), "train_rater, with validation"):
            self.run_epoch(histories, targets, number)
            self.training_state.save(checkpoint, number)
        check_finite_weights(self.network, f"epoch {epochs} with validation rows")
        return self.network.eval()

    def run_epoch(
        self, histories: UserHistories, targets: Int64[np.ndarray, " targets"], epoch: int
    ) -> float:
        """Take one step per batch of targets; return the mean loss.

        Raises:
            TrainingError: the loss is not finite.
        """
        self.network.train()
        self.group.seed_epoch(self.seed, epoch)
        total = 0.0
        for batch in self.batches(histories, targets):
            index, weight = self.group.shard(histories, batch)
            ratings = torch.from_numpy(normalized_ratings(histories, index)).to(self.group.device)
            loss = mse_loss(self.forward(histories, index), ratings) * weight
            self.optimizer.zero_grad()
            loss.backward()
            clip_grad_norm_(self.network.parameters(), self.params.clip_norm)
            self.optimizer.step()
            batch_loss = self.group.mean(loss.item())
            total += batch_loss * len(batch)
            if not np.isfinite(total):
                raise TrainingError(f"epoch {epoch}, batch with target {batch[0]}", "a finite loss",
                                    str(batch_loss), "Lower train.learning_rate.")  # fmt: skip
        self.schedule.step()
        return total / len(targets)

    def batches(
        self, histories: UserHistories, targets: Int64[np.ndarray, " targets"]
    ) -> Iterator[Int64[np.ndarray, " batch"]]:
        """Yield batches of targets in random order.

        A batch has ``train.batch_size`` targets, or all targets of ``train.users_per_batch`` users.
        """
        if not self.params.users_per_batch:
            yield from _split(self.order_rng.permutation(targets), self.params.batch_size)
            return
        users, start = np.unique(histories.users_of(targets), return_index=True)
        end = np.append(start[1:], len(targets))
        for batch in _split(self.order_rng.permutation(len(users)), self.params.users_per_batch):
            yield np.concatenate([targets[start[user] : end[user]] for user in np.sort(batch)])

    def _validate(self, histories: UserHistories, epoch: int, loss: float) -> Epoch:
        index = histories.val
        predicted = self.group.predict_sharded(
            histories, index, lambda part: predict_stars(self.network, histories, part, self.max_history)
        )
        actual = star_ratings(histories, index)
        if not np.isfinite(predicted).all():
            target = index[~np.isfinite(predicted)][0]
            raise TrainingError(f"epoch {epoch}, validation target {target}", "a finite prediction",
                                "infinity or NaN", "Lower train.learning_rate.")  # fmt: skip
        return Epoch(
            epoch=epoch,
            train_loss=loss,
            train_rmse=loss**0.5 * STAR_SPAN,
            val_loss=mse(actual, predicted) / STAR_SPAN**2,
            val_rmse=rmse(actual, predicted),
            val_mae=mae(actual, predicted),
        )


def _split(values: Int64[np.ndarray, " n"], size: int) -> Iterator[Int64[np.ndarray, " part"]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]

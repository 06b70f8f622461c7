"""Training a rater: MSE on scaled ratings, the epoch with the lowest validation RMSE wins."""

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
from reelgraph.raters.networks.attention import AttentionRater
from reelgraph.raters.networks.base import Network
from reelgraph.raters.networks.distributed import SINGLE_PROCESS, ProcessGroup
from reelgraph.raters.networks.sliding_window import SlidingWindowRater, pack_histories
from reelgraph.raters.rater import Epoch
from reelgraph.runtime.checkpointing import Checkpoint, TrainingState, select_prefix
from reelgraph.runtime.errors import TrainingError
from reelgraph.runtime.progress import progress
from reelgraph.sequences.batches import gather_batch
from reelgraph.sequences.dataset import UserHistories, normalized_ratings, star_ratings

PREDICT_BATCH = 1024

SHAPE_MULTIPLE = 256
"""In bfloat16 a batch is filled up to multiples of this: oneDNN compiles a product for each shape."""


@dataclass(frozen=True)
class TrainResult:
    """A trained rater, the epoch whose weights it has, and how it got there."""

    network: Network
    best_epoch: Epoch
    epochs: list[Epoch]


def predict_stars(
    network: Network, histories: UserHistories, index: Int64[np.ndarray, "n"], max_history: int
) -> Float[np.ndarray, "n"]:
    """Predict the ratings at ``index``, in stars, float64; the rater is put into eval mode."""
    network.eval()
    order, found = np.argsort(index, kind="stable"), np.zeros(len(index))
    with torch.inference_mode():
        quick = network.with_cached_projections()
        for some in _split(order, PREDICT_BATCH):
            batch = gather_batch(histories, index[some], max_history).to(network.movies.device)
            found[some] = quick(batch).cpu().double().numpy()
    return denormalize_stars(found)


class BatchForward(nn.Module):
    """Says of targets what the rater does; a module, as that is what a team copies."""

    def __init__(self, rater: Network, max_history: int, at_once: bool, in_bfloat16: bool = False) -> None:
        """Take the rater, how much of a history it sees, whether in one pass, and whether in bfloat16."""
        super().__init__()
        self.rater, self.max_history, self.in_bfloat16 = rater, max_history, in_bfloat16
        self.sliding_window = None
        if at_once:
            assert isinstance(rater, AttentionRater)
            self.sliding_window = SlidingWindowRater(
                rater, max_history, torch.bfloat16 if in_bfloat16 else torch.float32
            )

    def forward(
        self, histories: UserHistories, index: Int64[np.ndarray, " batch"]
    ) -> Float[Tensor, " batch"]:
        """Predict the scaled ratings of a batch; products may be in bfloat16, weights are float32."""
        device = self.rater.movies.device
        if self.sliding_window and (histories.history_end(index) == index).all():
            multiple = SHAPE_MULTIPLE if self.in_bfloat16 else 1
            return self.sliding_window(
                pack_histories(histories, index, self.max_history, multiple).to(device)
            )[: len(index)]
        batch = gather_batch(histories, index, self.max_history).to(device)
        if not self.in_bfloat16:
            return self.rater(batch)
        with torch.autocast(device.type, torch.bfloat16):
            return self.rater(batch).float()


def train(
    make_network: Callable[[], Network],
    histories: UserHistories,
    params: Train,
    max_history: int,
    seed: int,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
    checkpoint: Checkpoint | None = None,
    group: ProcessGroup = SINGLE_PROCESS,
) -> TrainResult:
    """Train for all epochs and keep the first with the strictly lowest validation RMSE.

    Args:
        make: builds the rater; called under the seed of its weights.
        histories: ratings and targets.
        params: section ``train``.
        max_history: ratings of a history that the rater sees.
        seed: root seed; weights, dropout and the order of targets derive from it.
        on_epoch: told of each epoch when it ends, and first of those that ``state`` has.
        state: where to go on from.
        team: processes that share each batch, and their device.

    Raises:
        TrainingError: no training or no validation target, or numbers that are not finite.
    """
    for name, targets in (("training", histories.train), ("validation", histories.val)):
        if not len(targets):
            raise TrainingError("data/sequences", f"{name} targets", "none",
                                "Add ratings, or lower sequences.min_history.")  # fmt: skip
    run, checkpoint = Trainer(make_network, params, max_history, seed, group), checkpoint or Checkpoint(None)
    run.training_state.restore(checkpoint)
    epochs, weights = [Epoch(**each) for each in checkpoint.log], select_prefix(checkpoint.tensors, "best")
    for epoch in epochs:
        on_epoch(epoch)
    for number in progress(range(checkpoint.completed + 1, params.epochs + 1), "train_rater"):
        loss = run.run_epoch(histories, histories.train, number)
        epochs.append(_validate(run.network, histories, max_history, number, loss, group))
        on_epoch(epochs[-1])
        checkpoint.log.append(asdict(epochs[-1]))
        if _best(epochs) is epochs[-1]:
            weights = copy.deepcopy(run.network.state_dict())
        run.training_state.save(
            checkpoint, number, {f"best.{name}": weight for name, weight in weights.items()}
        )
    run.network.load_state_dict(weights)
    check_finite_weights(run.network, f"epoch {_best(epochs).epoch}")
    return TrainResult(run.network.eval(), _best(epochs), epochs)


def check_finite_weights(network: nn.Module, where: str) -> None:
    """Refuse weights that the last step made infinite or NaN.

    Raises:
        TrainingError: there are any.
    """
    wrong = [name for name, weight in network.named_parameters() if not weight.isfinite().all()]
    if wrong:
        raise TrainingError(where, "finite weights", f"others in {', '.join(wrong)}",
                            "Lower train.learning_rate.")  # fmt: skip


def _best(epochs: list[Epoch]) -> Epoch:
    """Return the first with the lowest validation RMSE."""
    return min(epochs, key=lambda epoch: epoch.val_rmse)


def refit(
    make_network: Callable[[], Network],
    histories: UserHistories,
    params: Train,
    max_history: int,
    seed: int,
    epochs: int,
    checkpoint: Checkpoint | None = None,
    group: ProcessGroup = SINGLE_PROCESS,
) -> Network:
    """Train on training and validation targets together, for a number of epochs chosen before."""
    targets = np.sort(np.concatenate([histories.train, histories.val]))
    run, checkpoint = Trainer(make_network, params, max_history, seed, group), checkpoint or Checkpoint(None)
    run.training_state.restore(checkpoint)
    for number in progress(range(checkpoint.completed + 1, epochs + 1), "train_rater, with validation"):
        run.run_epoch(histories, targets, number)
        run.training_state.save(checkpoint, number)
    check_finite_weights(run.network, f"epoch {epochs} with validation rows")
    return run.network.eval()


class Trainer:
    """A rater in training, with its optimizer, schedule and order of targets; an epoch at a time."""

    def __init__(
        self,
        make: Callable[[], Network],
        params: Train,
        max_history: int,
        seed: int,
        team: ProcessGroup = SINGLE_PROCESS,
    ) -> None:
        torch.manual_seed(derive_seed(seed, "rater"))
        self.network, self.params, self.seed, self.group = make().to(team.device), params, seed, team
        self.forward = team.wrap_ddp(
            BatchForward(
                self.network, max_history, bool(params.users_per_batch), params.precision == "bfloat16"
            )
        )
        self.order = np.random.default_rng(derive_seed(seed, "rater/order"))
        self.optimizer = AdamW(
            self.network.parameters(), params.learning_rate, weight_decay=params.weight_decay, fused=True
        )
        self.schedule = CosineAnnealingLR(self.optimizer, params.cosine_epochs, params.min_learning_rate)
        self.training_state = TrainingState(self.network, self.optimizer, self.order, self.schedule)

    def run_epoch(
        self, histories: UserHistories, targets: Int64[np.ndarray, " targets"], number: int
    ) -> float:
        """Take a step for each batch of targets; return the mean loss as it ran."""
        self.network.train()
        self.group.seed_epoch(self.seed, number)
        total = 0.0
        for index in self.batches(histories, targets):
            mine, weight = self.group.shard(histories, index)
            given = torch.from_numpy(normalized_ratings(histories, mine)).to(self.group.device)
            loss = mse_loss(self.forward(histories, mine), given) * weight
            self.optimizer.zero_grad()
            loss.backward()
            clip_grad_norm_(self.network.parameters(), self.params.clip_norm)
            self.optimizer.step()
            whole = self.group.mean(loss.item())
            total += whole * len(index)
            if not np.isfinite(total):
                raise TrainingError(f"epoch {number}, batch with target {index[0]}", "a finite loss",
                                    str(whole), "Lower train.learning_rate.")  # fmt: skip
        self.schedule.step()
        return total / len(targets)

    def batches(
        self, histories: UserHistories, targets: Int64[np.ndarray, " targets"]
    ) -> Iterator[Int64[np.ndarray, " batch"]]:
        """Yield some targets of everybody at a time; with ``train.users_per_batch`` all targets of some users."""
        if not self.params.users_per_batch:
            yield from _split(self.order.permutation(targets), self.params.batch_size)
            return
        users, first = np.unique(histories.users_of(targets), return_index=True)
        ends = np.append(first[1:], len(targets))
        for some in _split(self.order.permutation(len(users)), self.params.users_per_batch):
            yield np.concatenate([targets[first[user] : ends[user]] for user in np.sort(some)])


def _split(values: Int64[np.ndarray, " n"], size: int) -> Iterator[Int64[np.ndarray, " select_prefix"]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]


def _validate(
    rater: Network, histories: UserHistories, max_history: int, number: int, loss: float, team: ProcessGroup
) -> Epoch:
    predicted = team.predict_sharded(
        histories, histories.val, lambda mine: predict_stars(rater, histories, mine, max_history)
    )
    actual = star_ratings(histories, histories.val)
    if not np.isfinite(predicted).all():
        first = histories.val[~np.isfinite(predicted)][0]
        raise TrainingError(f"epoch {number}, batch with validation target {first}", "finite predictions",
                            "others", "Lower train.learning_rate.")  # fmt: skip
    return Epoch(
        epoch=number,
        train_loss=loss,
        train_rmse=loss**0.5 * STAR_SPAN,
        val_loss=mse(actual, predicted) / STAR_SPAN**2,
        val_rmse=rmse(actual, predicted),
        val_mae=mae(actual, predicted),
    )

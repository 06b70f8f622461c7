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
from reelgraph.core.rating_scale import SPAN, from_scaled
from reelgraph.core.seeds import derive
from reelgraph.params.rater import Train
from reelgraph.raters.networks.attention import AttentionRater
from reelgraph.raters.networks.base import Network
from reelgraph.raters.networks.sliding_window import Banded, stretch
from reelgraph.raters.networks.team import ALONE, Team
from reelgraph.raters.rater import Epoch
from reelgraph.runtime.checkpointing import Learner, State, part
from reelgraph.runtime.errors import TrainingError
from reelgraph.runtime.progress import progress
from reelgraph.sequences.arrays import Histories
from reelgraph.sequences.batches import gather
from reelgraph.sequences.ratings import scaled, stars

PREDICT_BATCH = 1024

FEW_SHAPES = 256
"""In bfloat16 a batch is filled up to multiples of this: oneDNN compiles a product for each shape."""


@dataclass(frozen=True)
class Trained:
    """A trained rater, the epoch whose weights it has, and how it got there."""

    rater: Network
    best: Epoch
    epochs: list[Epoch]


def predict(
    rater: Network, histories: Histories, index: Int64[np.ndarray, "n"], max_history: int
) -> Float[np.ndarray, "n"]:
    """Predict the ratings at ``index``, in stars, float64; the rater is put into eval mode."""
    rater.eval()
    order, found = np.argsort(index, kind="stable"), np.zeros(len(index))
    with torch.inference_mode():
        quick = rater.projected()
        for some in _parts(order, PREDICT_BATCH):
            batch = gather(histories, index[some], max_history).to(rater.movies.device)
            found[some] = quick(batch).cpu().double().numpy()
    return from_scaled(found)


class Sayer(nn.Module):
    """Says of targets what the rater does; a module, as that is what a team copies."""

    def __init__(self, rater: Network, max_history: int, at_once: bool, in_bfloat16: bool = False) -> None:
        """Take the rater, how much of a history it sees, whether in one pass, and whether in bfloat16."""
        super().__init__()
        self.rater, self.max_history, self.in_bfloat16 = rater, max_history, in_bfloat16
        self.banded = None
        if at_once:
            assert isinstance(rater, AttentionRater)
            self.banded = Banded(rater, max_history, torch.bfloat16 if in_bfloat16 else torch.float32)

    def forward(self, histories: Histories, index: Int64[np.ndarray, " batch"]) -> Float[Tensor, " batch"]:
        """Predict the scaled ratings of a batch; products may be in bfloat16, weights are float32."""
        device = self.rater.movies.device
        if self.banded and (histories.history_end(index) == index).all():
            multiple = FEW_SHAPES if self.in_bfloat16 else 1
            return self.banded(stretch(histories, index, self.max_history, multiple).to(device))[: len(index)]
        batch = gather(histories, index, self.max_history).to(device)
        if not self.in_bfloat16:
            return self.rater(batch)
        with torch.autocast(device.type, torch.bfloat16):
            return self.rater(batch).float()


def train(
    make: Callable[[], Network],
    histories: Histories,
    params: Train,
    max_history: int,
    seed: int,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
    state: State | None = None,
    team: Team = ALONE,
) -> Trained:
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
            raise TrainingError("data/histories", f"{name} targets", "none",
                                "Add ratings, or lower sequences.min_history.")  # fmt: skip
    run, state = Epochs(make, params, max_history, seed, team), state or State(None)
    run.learner.go_on(state)
    epochs, weights = [Epoch(**each) for each in state.log], part(state.tensors, "best")
    for epoch in epochs:
        on_epoch(epoch)
    for number in progress(range(state.done + 1, params.epochs + 1), "train_rater"):
        loss = run.epoch(histories, histories.train, number)
        epochs.append(_judged(run.rater, histories, max_history, number, loss, team))
        on_epoch(epochs[-1])
        state.log.append(asdict(epochs[-1]))
        if _best(epochs) is epochs[-1]:
            weights = copy.deepcopy(run.rater.state_dict())
        run.learner.keep(state, number, {f"best.{name}": weight for name, weight in weights.items()})
    run.rater.load_state_dict(weights)
    refuse_infinite(run.rater, f"epoch {_best(epochs).epoch}")
    return Trained(run.rater.eval(), _best(epochs), epochs)


def refuse_infinite(network: nn.Module, where: str) -> None:
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
    make: Callable[[], Network],
    histories: Histories,
    params: Train,
    max_history: int,
    seed: int,
    epochs: int,
    state: State | None = None,
    team: Team = ALONE,
) -> Network:
    """Train on training and validation targets together, for a number of epochs chosen before."""
    targets = np.sort(np.concatenate([histories.train, histories.val]))
    run, state = Epochs(make, params, max_history, seed, team), state or State(None)
    run.learner.go_on(state)
    for number in progress(range(state.done + 1, epochs + 1), "train_rater, with validation"):
        run.epoch(histories, targets, number)
        run.learner.keep(state, number)
    refuse_infinite(run.rater, f"epoch {epochs} with validation rows")
    return run.rater.eval()


class Epochs:
    """A rater in training, with its optimizer, schedule and order of targets; an epoch at a time."""

    def __init__(
        self, make: Callable[[], Network], params: Train, max_history: int, seed: int, team: Team = ALONE
    ) -> None:
        torch.manual_seed(derive(seed, "rater"))
        self.rater, self.params, self.seed, self.team = make().to(team.device), params, seed, team
        self.say = team.copied(
            Sayer(self.rater, max_history, bool(params.users), params.precision == "bfloat16")
        )
        self.order = np.random.default_rng(derive(seed, "rater/order"))
        self.optimizer = AdamW(
            self.rater.parameters(), params.learning_rate, weight_decay=params.weight_decay, fused=True
        )
        self.schedule = CosineAnnealingLR(self.optimizer, params.cosine_epochs, params.min_learning_rate)
        self.learner = Learner(self.rater, self.optimizer, self.order, self.schedule)

    def epoch(self, histories: Histories, targets: Int64[np.ndarray, " targets"], number: int) -> float:
        """Take a step for each batch of targets; return the mean loss as it ran."""
        self.rater.train()
        self.team.begin(self.seed, number)
        total = 0.0
        for index in self.batches(histories, targets):
            mine, weight = self.team.share(histories, index)
            given = torch.from_numpy(scaled(histories, mine)).to(self.team.device)
            loss = mse_loss(self.say(histories, mine), given) * weight
            self.optimizer.zero_grad()
            loss.backward()
            clip_grad_norm_(self.rater.parameters(), self.params.clip_norm)
            self.optimizer.step()
            whole = self.team.mean(loss.item())
            total += whole * len(index)
            if not np.isfinite(total):
                raise TrainingError(f"epoch {number}, batch with target {index[0]}", "a finite loss",
                                    str(whole), "Lower train.learning_rate.")  # fmt: skip
        self.schedule.step()
        return total / len(targets)

    def batches(
        self, histories: Histories, targets: Int64[np.ndarray, " targets"]
    ) -> Iterator[Int64[np.ndarray, " batch"]]:
        """Yield some targets of everybody at a time; with ``train.users`` all targets of some users."""
        if not self.params.users:
            yield from _parts(self.order.permutation(targets), self.params.batch_size)
            return
        users, first = np.unique(histories.users_of(targets), return_index=True)
        ends = np.append(first[1:], len(targets))
        for some in _parts(self.order.permutation(len(users)), self.params.users):
            yield np.concatenate([targets[first[user] : ends[user]] for user in np.sort(some)])


def _parts(values: Int64[np.ndarray, " n"], size: int) -> Iterator[Int64[np.ndarray, " part"]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]


def _judged(
    rater: Network, histories: Histories, max_history: int, number: int, loss: float, team: Team
) -> Epoch:
    predicted = team.gathered(
        histories, histories.val, lambda mine: predict(rater, histories, mine, max_history)
    )
    actual = stars(histories, histories.val)
    if not np.isfinite(predicted).all():
        first = histories.val[~np.isfinite(predicted)][0]
        raise TrainingError(f"epoch {number}, batch with validation target {first}", "finite predictions",
                            "others", "Lower train.learning_rate.")  # fmt: skip
    return Epoch(
        epoch=number,
        train_loss=loss,
        train_rmse=loss**0.5 * SPAN,
        val_loss=mse(actual, predicted) / SPAN**2,
        val_rmse=rmse(actual, predicted),
        val_mae=mae(actual, predicted),
    )

"""Training of the Gaussian process by marginal likelihood, and of the heads by cross-entropy."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float64, Int64
from torch import nn
from torch.nn.functional import nll_loss

from reelgraph.params.model import Gp
from reelgraph.raters.gp.model import GaussianProcess
from reelgraph.raters.gp.ordinal_head import HeadInputs, OrdinalHead, expected_stars
from reelgraph.raters.gp.rating_table import Windows
from reelgraph.raters.gp.types import RatingFeatures
from reelgraph.runtime.checkpointing import Checkpoint, TrainingState
from reelgraph.runtime.errors import TrainingError
from reelgraph.runtime.progress import progress

LEARNING_RATE = 0.1
PROJECTION_LEARNING_RATE = 0.05
"""Of W, which has many parameters."""
ADAM_BETAS = (0.9, 0.98)
CLIP_NORM = 5.0
ENOUGH_STEPS = 280
"""Training ends with the epoch of this step: further ones bring no gain, as θ has few numbers."""
MIN_EPOCHS = 2
HEAD_LEARNING_RATE = 0.003
HEAD_WEIGHT_DECAY = 0.001
HEAD_BATCH_SIZE = 512
HEAD_FINAL_RATE_FACTOR = 0.003
REMEDY = "Check the movie vectors; lower gp.embedding_dim or gp.cooccurrence_dim."


def train_gaussian_process(
    gp: GaussianProcess,
    features: RatingFeatures,
    windows: Windows,
    params: Gp,
    seed: int,
    on_epoch: Callable[[int, float, float], None],
    checkpoint: Checkpoint | None = None,
) -> None:
    """Maximize the marginal likelihood of all windows with Adam, all positions being targets at once.

    The loss of a rating is its negative log density given the earlier ones of its window; priors are divided
    by the number of ratings. Learning rates fall to almost 0 over the last two thirds of the training.

    Args:
        gp: trained in place, on its device.
        features: of the ratings to fit on, on the device of ``gp``.
        windows: indices of ratings that cover each rating once; -1 is padding.
        params: section ``gp``.
        seed: of the order of the windows.
        on_epoch: called with the epoch, its mean loss and its RMSE in stars.
        checkpoint: training continues from it.

    Raises:
        TrainingError: the loss is not finite.
    """
    n_ratings = int((windows >= 0).sum())
    starts = np.arange(0, len(windows), params.batch_size)
    n_epochs = choose_n_epochs(len(starts), n_ratings, params)
    n_steps = math.ceil(len(starts) * min(1.0, params.max_ratings / n_ratings))
    optimizer = _optimizer(gp)
    base_rates = [group["lr"] for group in optimizer.param_groups]
    rng = np.random.default_rng(seed)
    training = TrainingState(gp, optimizer, rng)
    checkpoint = checkpoint or Checkpoint(None)
    training.restore(checkpoint)
    for epoch in progress(range(checkpoint.completed, n_epochs), "gaussian process"):
        total_loss = 0.0
        total_square = 0.0
        n_read = 0
        for step, start in enumerate(rng.permutation(starts)[:n_steps]):
            completed = (epoch + step / n_steps) / n_epochs
            for group, base_rate in zip(optimizer.param_groups, base_rates, strict=True):
                group["lr"] = base_rate * min(1.0, 1.5 * (1 - completed) + 0.02)
            batch = windows[start : start + params.batch_size]
            loss, square = _train_step(gp, optimizer, features, batch, n_ratings, epoch)
            total_loss += loss
            total_square += square
            n_read += int((batch >= 0).sum())
        on_epoch(epoch + 1, total_loss / n_read, math.sqrt(total_square / n_read))
        training.save(checkpoint, epoch + 1)


def choose_n_epochs(n_batches: int, n_ratings: int, params: Gp) -> int:
    """Return the number of epochs: as many as ``ENOUGH_STEPS`` steps need, within the limits of the params.

    Args:
        n_batches: batches of windows in an epoch.
        n_ratings: ratings in an epoch.
        params: section ``gp``: the largest number of epochs, and of ratings in all of them.
    """
    enough = max(MIN_EPOCHS, math.ceil(ENOUGH_STEPS / n_batches))
    return max(1, min(params.epochs, enough, params.max_ratings // n_ratings))


def _optimizer(gp: GaussianProcess) -> torch.optim.Adam:
    others = [weight for name, weight in gp.named_parameters() if name != "projection"]
    groups = [
        {"params": others, "lr": LEARNING_RATE},
        {"params": [gp.projection], "lr": PROJECTION_LEARNING_RATE},
    ]
    return torch.optim.Adam(groups, betas=ADAM_BETAS, fused=True)


def _train_step(
    gp: GaussianProcess,
    optimizer: torch.optim.Adam,
    features: RatingFeatures,
    batch: Windows,
    n_ratings: int,
    epoch: int,
) -> tuple[float, float]:
    """Take one step; return the batch's sums of losses and of squared errors (stars²)."""
    width = int((batch >= 0).sum(axis=1).max())
    windows = torch.from_numpy(batch[:, :width]).to(gp.device)
    count = int((batch >= 0).sum())
    where = f"epoch {epoch + 1}, batch with rating {batch[0, 0]}"
    try:
        likelihood = gp.negative_log_likelihood(features, windows)
    except torch.linalg.LinAlgError as error:
        raise TrainingError(where, "finite vectors of its movies", str(error), REMEDY) from None
    loss = likelihood.loss / count + gp.penalty() / n_ratings
    if not torch.isfinite(loss):
        raise TrainingError(where, "a finite loss", str(loss.item()), REMEDY)
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(gp.parameters(), CLIP_NORM)
    optimizer.step()
    square = ((likelihood.standardized_residual * likelihood.std) ** 2).sum()
    return loss.item() * count, square.item()


def train_head(
    head: OrdinalHead,
    inputs: HeadInputs,
    codes: Int64[np.ndarray, " rows"],
    params: Gp,
    seed: int,
    checkpoint: Checkpoint,
) -> None:
    """Train a head with AdamW: cross-entropy of the half stars plus squared error of their mean.

    Args:
        head: trained in place, and put into eval mode.
        inputs: one-step-ahead predictions of ratings that the Gaussian process was fitted on.
        codes: half-star codes of these ratings, 1 … 10.
        params: section ``gp``.
        seed: of the order of the ratings, and of dropout.
        checkpoint: training continues from it.

    Raises:
        TrainingError: the loss is not finite.
    """
    head.feature_mean.copy_(inputs.features.mean(dim=0))
    head.feature_std.copy_(inputs.features.std(dim=0, correction=0) + 1e-6)
    target = torch.from_numpy(codes)
    optimizer = torch.optim.AdamW(
        head.parameters(), HEAD_LEARNING_RATE, weight_decay=HEAD_WEIGHT_DECAY, fused=True
    )
    rng = torch.Generator().manual_seed(seed)
    head.draw_dropout_from(rng)
    n_steps = params.head_epochs * math.ceil(len(codes) / HEAD_BATCH_SIZE)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, HEAD_FINAL_RATE_FACTOR, n_steps)
    training = TrainingState(head, optimizer, rng, schedule)
    training.restore(checkpoint)
    head.train()
    for epoch in progress(range(checkpoint.completed, params.head_epochs), "half stars"):
        for batch in torch.randperm(len(codes), generator=rng).split(HEAD_BATCH_SIZE):
            log_probabilities = head(inputs.features[batch], inputs.mean[batch], inputs.std[batch])
            error = expected_stars(log_probabilities.exp()) - target[batch] / 2
            loss = nll_loss(log_probabilities, target[batch] - 1) + (error**2).mean()
            if not torch.isfinite(loss):
                where = f"half stars, epoch {epoch + 1}, batch with row {int(batch[0])}"
                raise TrainingError(where, "a finite loss", str(loss.item()), REMEDY)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        training.save(checkpoint, epoch + 1)
    head.eval()


def negative_log_density(inputs: HeadInputs, stars: Float64[np.ndarray, " rows"]) -> float:
    """Return the mean of ((stars − mean) / std)² / 2 + log std over ratings: the Gaussian process's loss."""
    z = (torch.from_numpy(stars) - inputs.mean) / inputs.std
    return float((z**2 / 2 + inputs.std.log()).mean())

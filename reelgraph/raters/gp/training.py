"""Learning the process by marginal likelihood, then the head by the likelihood of the half stars."""

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
from reelgraph.raters.gp.ordinal_head import OrdinalHead, expected_stars
from reelgraph.raters.gp.prediction import HeadInputs
from reelgraph.raters.gp.rating_table import Rows
from reelgraph.raters.gp.types import RatingFeatures
from reelgraph.runtime.checkpointing import Checkpoint, TrainingState
from reelgraph.runtime.errors import TrainingError
from reelgraph.runtime.progress import progress

SLOW = ("metric", "means", "doubt")
"""Parameters of movies and entities, which are many and take smaller steps."""
LEARNING_RATE, SLOW_LEARNING_RATE = 0.1, 0.05
HEAD_LEARNING_RATE, HEAD_WEIGHT_DECAY, HEAD_BATCH = 0.003, 0.001, 512
CLIP_NORM = 5.0
REMEDY = "Check the movies' vectors; lower gp.embedding_dim, or gp.cowatch."


def train_gaussian_process(
    process: GaussianProcess,
    columns: RatingFeatures,
    rows: Rows,
    params: Gp,
    seed: int,
    on_epoch: Callable[[int, float, float], None],
    state: Checkpoint | None = None,
) -> None:
    """Maximise the marginal likelihood of all windows, all positions being targets at once.

    The loss of a rating is its negative log density given the earlier ones of its window;
    priors are shared out over the ratings. Adam, rates falling to nothing over the last two thirds.

    Args:
        process: learned in place.
        columns: of the rows fitted on.
        rows: windows that cover each rating once.
        params: section ``gp``.
        seed: of the order of the windows.
        on_epoch: told epoch, mean loss and RMSE (stars) as they ran.
        state: where to go on from.

    Raises:
        TrainingError: the loss is not finite.
    """
    ratings = int((rows >= 0).sum())
    starts = np.arange(0, len(rows), params.batch_size)
    epochs = max(1, min(params.epochs, params.max_ratings // ratings))
    steps = math.ceil(len(starts) * min(1.0, params.max_ratings / ratings))
    optimizer = _optimizer(process)
    tops = [group["lr"] for group in optimizer.param_groups]
    order = np.random.default_rng(seed)
    learner, state = TrainingState(process, optimizer, order), state or Checkpoint(None)
    learner.restore(state)
    process.train()
    for epoch in progress(range(state.completed, epochs), "gaussian process"):
        loss, squared, seen = 0.0, 0.0, 0
        for step, start in enumerate(order.permutation(starts)[:steps]):
            done = (epoch + step / steps) / epochs
            for group, top in zip(optimizer.param_groups, tops, strict=True):
                group["lr"] = top * min(1.0, 1.5 * (1 - done) + 0.02)
            batch = rows[start : start + params.batch_size]
            total, squares = _step(process, optimizer, columns, batch, ratings, epoch)
            loss, squared, seen = loss + total, squared + squares, seen + int((batch >= 0).sum())
        on_epoch(epoch + 1, loss / seen, math.sqrt(squared / seen))
        learner.save(state, epoch + 1)
    process.eval()


def _optimizer(process: GaussianProcess) -> torch.optim.Adam:
    named = list(process.named_parameters())
    fast = [weight for name, weight in named if name not in SLOW]
    slow = [weight for name, weight in named if name in SLOW]
    groups = [{"params": fast, "lr": LEARNING_RATE}, {"params": slow, "lr": SLOW_LEARNING_RATE}]
    return torch.optim.Adam(groups, betas=(0.9, 0.98))


def _step(
    process: GaussianProcess,
    optimizer: torch.optim.Adam,
    columns: RatingFeatures,
    batch: Rows,
    ratings: int,
    epoch: int,
) -> tuple[float, float]:
    """Take a step; return the summed loss and squared errors of the batch."""
    real = torch.from_numpy(batch[:, : int((batch >= 0).sum(axis=1).max())])
    where = f"epoch {epoch + 1}, batch with rating {int(real[0, 0])}"
    try:
        found = process.predict_one_step(columns, real)
    except torch.linalg.LinAlgError as error:
        raise TrainingError(where, "finite vectors of its movies", str(error), REMEDY) from None
    likelihood = ((found.standardized_residual**2 / 2 + found.std.log()) * (real >= 0)).sum()
    count = int((real >= 0).sum())
    loss = likelihood / count + process.penalty() / ratings
    if not torch.isfinite(loss):
        raise TrainingError(where, "a finite loss", str(loss.item()), REMEDY)
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(process.parameters(), CLIP_NORM)
    optimizer.step()
    squares = (((found.standardized_residual * found.std) ** 2) * (real >= 0)).sum()
    return loss.item() * count, squares.item()


def train_head(
    head: OrdinalHead,
    inputs: HeadInputs,
    codes: Int64[np.ndarray, " rows"],
    params: Gp,
    seed: int,
    state: Checkpoint,
) -> None:
    """Learn to correct the process: cross-entropy of the half stars plus squared error of their mean.

    Args:
        head: learned in place, put into eval mode.
        inputs: the process's one-step-ahead predictions of rows it was fitted on.
        codes: half-star codes of these rows, 1 … 10.
        params: section ``gp``.
        seed: of the order of the rows.
        state: where to go on from.

    Raises:
        TrainingError: the loss is not finite.
    """
    head.centre.copy_(inputs.x.mean(dim=0))
    head.scale.copy_(inputs.x.std(dim=0, correction=0) + 1e-6)
    target = torch.from_numpy(codes)
    optimizer = torch.optim.AdamW(head.parameters(), HEAD_LEARNING_RATE, weight_decay=HEAD_WEIGHT_DECAY)
    order = torch.Generator().manual_seed(seed)
    total = params.head_epochs * math.ceil(len(codes) / HEAD_BATCH)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.003, total)
    learner = TrainingState(head, optimizer, order, schedule)
    learner.restore(state)
    head.train()
    for epoch in progress(range(state.completed, params.head_epochs), "half stars"):
        for some in torch.randperm(len(codes), generator=order).split(HEAD_BATCH):
            logs = head(inputs.x[some], inputs.mean[some], inputs.spread[some])
            error = expected_stars(logs.exp()) - target[some] / 2
            loss = nll_loss(logs, target[some] - 1) + (error**2).mean()
            if not torch.isfinite(loss):
                where = f"half stars, epoch {epoch + 1}, batch with row {int(some[0])}"
                raise TrainingError(where, "a finite loss", str(loss.item()), REMEDY)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        learner.save(state, epoch + 1)
    head.eval()


def log_density(inputs: HeadInputs, stars: Float64[np.ndarray, " rows"]) -> float:
    """Mean loss of the process on rows: ((stars − mean) / spread)² / 2 + log spread."""
    z = (torch.from_numpy(stars) - inputs.mean) / inputs.spread
    return float((z**2 / 2 + inputs.spread.log()).mean())

"""Training a model of links, and stopping where it predicts validation links best."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import nn

from reelgraph.gnn.judging import judge
from reelgraph.gnn.predictor import LinkPredictor, Messages
from reelgraph.gnn.scores import Dots
from reelgraph.gnn.softmax import link_loss
from reelgraph.gnn.tasks import Side, Task
from reelgraph.runtime.checkpointing import Learner, State
from reelgraph.runtime.errors import TrainingError
from reelgraph.runtime.progress import progress

EVERY = 4
"""Epochs between two looks at the validation links."""

WATCHED = 1000
"""Validation links of a relation that are looked at while training."""

SHARES = (0.0, 0.25, 0.5)
"""Of a relation's learned weight that may predict better than all of it."""


@dataclass(frozen=True)
class Watch:
    """Validation links, and when to give up."""

    given: Messages
    task: Task
    patience: int
    """Looks without a better MRR after which training stops, 1 or more."""


@dataclass
class Fitted:
    """What training leaves beside the model's weights."""

    losses: list[float] = field(default_factory=list)
    """One an epoch, before its step."""
    mrr: dict[int, float] = field(default_factory=dict)
    """Epoch → macro MRR of the watched validation links."""

    @property
    def best(self) -> int:
        """The first epoch with the highest MRR; the last epoch where none was watched."""
        return max(self.mrr, key=lambda epoch: self.mrr[epoch]) if self.mrr else len(self.losses)


def fit(
    model: nn.Module, given: Messages, task: Task, watch: Watch | None,
    epochs: int, learning_rate: float, seed: int, state: State | None = None,
) -> Fitted:  # fmt: skip
    """Train by full batches (Adam); leave the weights of the best epoch in the model.

    Args:
        model: ``Messages`` → ``Scores``.
        given: of the task's message graph.
        task: the edges that are predicted.
        watch: stops early; without it the last epoch is the model.
        epochs: at most.
        learning_rate: Adam's.
        seed: of drop-out and of the drawn candidates.
        state: where to go on from; only without ``watch``.

    Raises:
        TrainingError: the loss is no longer finite.
    """
    optimizer, given = torch.optim.Adam(model.parameters(), lr=learning_rate, fused=True), given.rounded()
    fitted, best = Fitted(), {}
    with torch.random.fork_rng(devices=[]):
        drawn, learner, state = torch.manual_seed(seed), Learner(model, optimizer), state or State(None)
        learner.go_on(state)
        fitted.losses = state.log
        for epoch in progress(range(state.done + 1, epochs + 1), "learn links", total=epochs):
            fitted.losses.append(_step(model, given, task, optimizer, drawn, epoch))
            learner.keep(state, epoch)
            if watch and (epoch % EVERY == 0 or epoch == epochs):
                fitted.mrr[epoch] = _macro(model, watch)
                if fitted.best == epoch:
                    best = {name: value.clone() for name, value in model.state_dict().items()}
                if epoch - fitted.best >= EVERY * watch.patience:
                    break
    if best:
        model.load_state_dict(best)
    model.eval()
    return fitted


def _step(
    model: nn.Module, given: Messages, task: Task, optimizer: torch.optim.Optimizer,
    drawn: torch.Generator, epoch: int,
) -> float:  # fmt: skip
    model.train()
    loss = link_loss(model(given), task, drawn)
    if not np.isfinite(loss.item()):
        raise TrainingError(f"links, epoch {epoch}", "a finite loss", str(loss.item()),
                            "Lower gnn.learning_rate.")  # fmt: skip
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def _macro(model: nn.Module, watch: Watch) -> float:
    model.eval()
    with torch.no_grad():
        return judge(model(watch.given), watch.task)["macro"]["mrr"]


def watched(task: Task, seed: int) -> Task:
    """Return the task with at most ``WATCHED`` of each relation's edges, drawn at random."""
    drawn = torch.Generator("cpu").manual_seed(seed)
    movies, entities = {}, {}
    for kind, side in task.entities_of.items():
        kept = torch.randperm(len(side.queries), generator=drawn, device="cpu")[:WATCHED]
        movies[kind], entities[kind] = _some(side, kept), _some(task.movies_of[kind], kept)
    return Task(task.message, movies, entities)


def _some(side: Side, kept: torch.Tensor) -> Side:
    return Side(side.queries[kept], side.targets[kept], side.known)


def balance(model: LinkPredictor, given: Messages, task: Task) -> None:
    """Lower the weight of a relation's vectors to the share of it that predicts validation links best.

    Where a graph says nothing about a relation, what was learned of it is noise, and popularity all there is.
    """
    with torch.no_grad():
        scores = model(given)
        for kind, weight in model.weights.items():
            of_share = {share: _mrr(scores, task, kind, share) for share in (1.0, *SHARES)}
            weight *= max(of_share, key=lambda share: of_share[share])


def _mrr(scores: Dots, task: Task, kind: str, share: float) -> float:
    changed = replace(scores, weights={**scores.weights, kind: share * scores.weights[kind]})
    alone = Task(task.message, {kind: task.entities_of[kind]}, {kind: task.movies_of[kind]})
    return judge(changed, alone)[kind]["mrr"]

"""Training a model of links, and stopping where it predicts validation links best."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import torch
from jaxtyping import Float32
from torch import nn

from reelgraph.core.seeds import derive_seed
from reelgraph.gnn.bpr import TrainedGnn, check_finite
from reelgraph.gnn.chunked_linear import matmul_precision
from reelgraph.gnn.decoders import DotProductDecoder
from reelgraph.gnn.link_metrics import evaluate_links
from reelgraph.gnn.link_predictor import GnnInputs, LinkPredictor, prepare_inputs
from reelgraph.gnn.link_splits import LinkTask, RankingQueries, build_link_task
from reelgraph.gnn.sage import to_hetero_data
from reelgraph.gnn.sampled_softmax import sampled_softmax_loss
from reelgraph.params.graph import Gnn
from reelgraph.runtime.checkpointing import Checkpoint, TrainingState
from reelgraph.runtime.errors import TrainingError
from reelgraph.runtime.progress import progress
from reelgraph.schemas.kg import KnowledgeGraph

VALIDATION_INTERVAL = 4
"""Epochs between two looks at the validation links."""

WATCHED = 1000
"""Validation links of a relation that are looked at while training."""

SHARES = (0.0, 0.25, 0.5)
"""Of a relation's learned weight that may predict better than all of it."""


@dataclass(frozen=True)
class EarlyStopping:
    """Validation links, and when to give up."""

    inputs: GnnInputs
    task: LinkTask
    patience: int
    """Looks without a better MRR after which training stops, 1 or more."""


@dataclass
class TrainingResult:
    """What training leaves beside the model's weights."""

    losses: list[float] = field(default_factory=list)
    """One an epoch, before its step."""
    validation_mrr: dict[int, float] = field(default_factory=dict)
    """Epoch → macro MRR of the watched validation links."""

    @property
    def best_epoch(self) -> int:
        """The first epoch with the highest MRR; the last epoch where none was watched."""
        return (
            max(self.validation_mrr, key=lambda epoch: self.validation_mrr[epoch])
            if self.validation_mrr
            else len(self.losses)
        )


def train(
    model: nn.Module, given: GnnInputs, task: LinkTask, watch: EarlyStopping | None,
    epochs: int, learning_rate: float, seed: int, state: Checkpoint | None = None,
) -> TrainingResult:  # fmt: skip
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
    fitted, best = TrainingResult(), {}
    with torch.random.fork_rng(devices=[]):
        drawn, learner, state = (
            torch.manual_seed(seed),
            TrainingState(model, optimizer),
            state or Checkpoint(None),
        )
        learner.restore(state)
        fitted.losses = state.log
        for epoch in progress(range(state.completed + 1, epochs + 1), "learn links", total=epochs):
            fitted.losses.append(_step(model, given, task, optimizer, drawn, epoch))
            learner.save(state, epoch)
            if watch and (epoch % VALIDATION_INTERVAL == 0 or epoch == epochs):
                fitted.validation_mrr[epoch] = _macro(model, watch)
                if fitted.best_epoch == epoch:
                    best = {name: value.clone() for name, value in model.state_dict().items()}
                if epoch - fitted.best_epoch >= VALIDATION_INTERVAL * watch.patience:
                    break
    if best:
        model.load_state_dict(best)
    model.eval()
    return fitted


def _step(
    model: nn.Module, given: GnnInputs, task: LinkTask, optimizer: torch.optim.Optimizer,
    drawn: torch.Generator, epoch: int,
) -> float:  # fmt: skip
    model.train()
    loss = sampled_softmax_loss(model(given), task, drawn)
    if not np.isfinite(loss.item()):
        raise TrainingError(f"links, epoch {epoch}", "a finite loss", str(loss.item()),
                            "Lower gnn.learning_rate.")  # fmt: skip
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def _macro(model: nn.Module, watch: EarlyStopping) -> float:
    model.eval()
    with torch.no_grad():
        return evaluate_links(model(watch.inputs), watch.task)["macro"]["mrr"]


def subsample(task: LinkTask, seed: int) -> LinkTask:
    """Return the task with at most ``WATCHED`` of each relation's edges, drawn at random."""
    drawn = torch.Generator("cpu").manual_seed(seed)
    movies, entities = {}, {}
    for kind, side in task.movie_queries.items():
        kept = torch.randperm(len(side.queries), generator=drawn, device="cpu")[:WATCHED]
        movies[kind], entities[kind] = _some(side, kept), _some(task.entity_queries[kind], kept)
    return LinkTask(task.message_graph, movies, entities)


def _some(side: RankingQueries, kept: torch.Tensor) -> RankingQueries:
    return RankingQueries(side.queries[kept], side.targets[kept], side.known_neighbours)


def calibrate_relation_weights(model: LinkPredictor, given: GnnInputs, task: LinkTask) -> None:
    """Lower the weight of a relation's vectors to the share of it that predicts validation links best.

    Where a graph says nothing about a relation, what was learned of it is noise, and popularity all there is.
    """
    with torch.no_grad():
        scores = model(given)
        for kind, weight in model.weights.items():
            of_share = {share: _mrr(scores, task, kind, share) for share in (1.0, *SHARES)}
            weight *= max(of_share, key=lambda share: of_share[share])


def _mrr(scores: DotProductDecoder, task: LinkTask, kind: str, share: float) -> float:
    changed = replace(scores, weights={**scores.weights, kind: share * scores.weights[kind]})
    alone = LinkTask(task.message_graph, {kind: task.movie_queries[kind]}, {kind: task.entity_queries[kind]})
    return evaluate_links(changed, alone)[kind]["mrr"]


def train_on_all_edges(
    graph: KnowledgeGraph, features: Float32[np.ndarray, "movies dim"], params: Gnn, epochs: int, seed: int,
    state: Checkpoint | None = None,
) -> TrainedGnn:  # fmt: skip
    """Pass messages over every edge, predict every edge, and return the movies' vectors.

    No score of links is taken of this run: it has seen them all.

    Args:
        graph: all edges.
        features: of the movies.
        params: sizes, learning rate, precision.
        epochs: as many as predicted held-out links best.
        seed: of this run's weights and draws.
        state: where to go on from.
    """
    given = prepare_inputs(to_hetero_data(graph, features))
    model = build_link_predictor(given, params, seed)
    with matmul_precision(params.precision):
        every = build_link_task(graph, graph, graph)
        fitted = train(
            model, given, every, None, epochs, params.learning_rate, derive_seed(seed, "draws"), state
        )
    with torch.inference_mode():
        return TrainedGnn(model, check_finite(model(given).movies.cpu().numpy(), epochs), fitted.losses)


def build_link_predictor(given: GnnInputs, params: Gnn, seed: int) -> LinkPredictor:
    """Return the untrained network."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(seed, "weights"))
        with torch.device("cpu"):
            model = LinkPredictor(
                given.graph.entity_types, given.movies.shape[1], given.entities.shape[1],
                params.hidden_dim, params.out_dim, params.dropout,
            )  # fmt: skip
    return model.to(torch.get_default_device())

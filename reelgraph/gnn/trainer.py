"""Training of link models with the sampled softmax loss, with early stopping or on all edges."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from reelgraph.core.schemas.kg import KnowledgeGraph
from reelgraph.core.seeds import derive_seed
from reelgraph.core.torch_setup import CPU, matmul_dtype
from reelgraph.gnn.bpr import TrainedGnn, check_finite, train_bpr
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

VALIDATION_INTERVAL = 8
"""Epochs between two evaluations on the validation edges."""

ADAM_EPSILON = 0.01
"""Adam's ε for the GNN, chosen on validation edges. With the usual 1e-8 every weight moves by about the
learning rate, however small its gradient."""

AVERAGING_POWER = 3
"""η of ``average_weights``."""

MAX_VALIDATION_EDGES = 1000
"""Validation edges per relation that choose the number of epochs and calibrate the relations."""

NEGLIGIBLE_LOSS = 5e-5
"""A loss below it reads 0.0000."""

CALIBRATION_FACTORS = (1.0, 0.0, 0.25, 0.5)
"""Candidate factors of a relation's learned weights; the first of equal quality wins."""


@dataclass(frozen=True)
class EarlyStopping:
    """Validation edges, and how long to wait for an improvement."""

    inputs: GnnInputs
    task: LinkTask
    patience: int
    """Evaluations without a better MRR after which training stops, 1 or more."""


@dataclass
class TrainingResult:
    """Losses and validation metrics of a training run."""

    losses: list[float] = field(default_factory=list)
    """Training loss of each epoch, before its step."""
    validation_mrr: dict[int, float] = field(default_factory=dict)
    """Epoch → macro MRR of the validation edges."""

    @property
    def best_epoch(self) -> int:
        """The first epoch with the highest MRR; the last epoch if there was no validation."""
        if not self.validation_mrr:
            return len(self.losses)
        return max(self.validation_mrr, key=lambda epoch: self.validation_mrr[epoch])


def train(
    model: nn.Module, optimizer: torch.optim.Optimizer, inputs: GnnInputs, task: LinkTask,
    early_stopping: EarlyStopping | None, epochs: int, seed: int, checkpoint: Checkpoint | None = None,
) -> TrainingResult:  # fmt: skip
    """Train with full batches, and leave the averaged weights of the best epoch in the model.

    The weights that are evaluated and returned are an average over the epochs (``average_weights``).

    Args:
        model: maps ``GnnInputs`` to a ``Decoder``.
        optimizer: of the model.
        inputs: of the task's message graph.
        task: edges to predict.
        early_stopping: without it, all epochs run and the last one counts.
        epochs: maximum number of epochs.
        seed: of dropout and the sampled candidates.
        checkpoint: progress of an interrupted run to continue from; only without ``early_stopping``.

    Raises:
        TrainingError: the loss is not finite.
    """
    average = AveragedModel(model, multi_avg_fn=average_weights).eval()
    result = TrainingResult()
    best_weights = None
    with torch.random.fork_rng(devices=[]):
        generator = torch.manual_seed(seed)
        training_state = TrainingState(nn.ModuleList([model, average]), optimizer)
        checkpoint = checkpoint or Checkpoint(None)
        training_state.restore(checkpoint)
        result.losses = checkpoint.log
        model.train()
        for epoch in progress(range(checkpoint.completed + 1, epochs + 1), "train links", total=epochs):
            result.losses.append(_step(model, inputs, task, optimizer, generator, epoch))
            average.update_parameters(model)
            training_state.save(checkpoint, epoch)
            if early_stopping and (epoch % VALIDATION_INTERVAL == 0 or epoch == epochs):
                result.validation_mrr[epoch] = _validation_mrr(average, early_stopping)
                if result.best_epoch == epoch:
                    best_weights = copy.deepcopy(average.module.state_dict())
                if epoch - result.best_epoch >= VALIDATION_INTERVAL * early_stopping.patience:
                    break
    model.load_state_dict(best_weights or average.module.state_dict())
    model.eval()
    return result


def _step(
    model: nn.Module, inputs: GnnInputs, task: LinkTask, optimizer: torch.optim.Optimizer,
    generator: torch.Generator, epoch: int,
) -> float:  # fmt: skip
    """Take one step and return the loss before it."""
    loss = sampled_softmax_loss(model(inputs), task, generator)
    if not np.isfinite(loss.item()):
        raise TrainingError(f"links, epoch {epoch}", "a finite loss", str(loss.item()),
                            "Lower gnn.learning_rate.")  # fmt: skip
    if loss.requires_grad:  # not without any edge to predict, as in a graph of a few edges
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


def average_weights(averages: Sequence[Tensor], weights: Sequence[Tensor], epochs: Tensor | int) -> None:
    """Update averages in place: polynomial-decay averaging, mostly over the last quarter of the epochs.

    Shamir and Zhang 2013, "Stochastic Gradient Descent for Non-smooth Optimization: Convergence Results and
    Optimal Averaging Schemes": after t epochs, the newest weights have the share (η + 1) / (t + η).

    Args:
        averages: averages over the earlier epochs.
        weights: weights after this epoch.
        epochs: number of earlier epochs, t − 1.
    """
    share = (AVERAGING_POWER + 1) / (int(epochs) + 1 + AVERAGING_POWER)
    for average, weight in zip(averages, weights, strict=True):
        average.lerp_(weight, share)


def _validation_mrr(model: nn.Module, early_stopping: EarlyStopping) -> float:
    with torch.no_grad():
        return evaluate_links(model(early_stopping.inputs), early_stopping.task)["macro"]["mrr"]


def subsample(task: LinkTask, seed: int) -> LinkTask:
    """Return the task with at most ``MAX_VALIDATION_EDGES`` random edges per relation."""
    generator = torch.Generator().manual_seed(seed)
    movie_queries = {}
    entity_queries = {}
    for entity_type, ranking in task.movie_queries.items():
        edges = torch.randperm(len(ranking.queries), generator=generator)[:MAX_VALIDATION_EDGES]
        movie_queries[entity_type] = _select_edges(ranking, edges)
        entity_queries[entity_type] = _select_edges(task.entity_queries[entity_type], edges)
    return LinkTask(task.message_graph, movie_queries, entity_queries)


def _select_edges(ranking: RankingQueries, edges: torch.Tensor) -> RankingQueries:
    edges = edges.to(ranking.queries.device)
    return RankingQueries(ranking.queries[edges], ranking.targets[edges], ranking.neighbour_lists)


def calibrate_relation_weights(model: LinkPredictor, inputs: GnnInputs, task: LinkTask) -> None:
    """Scale the weights of each relation by the factor that predicts its validation edges best.

    If the graph is uninformative about a relation, its learned weights are noise, and popularity alone
    predicts better. A relation without validation edges keeps its weights.
    """
    with torch.no_grad():
        scores = model(inputs)
        for entity_type, weight in model.weights.items():
            if not len(task.movie_queries[entity_type].queries):
                continue
            mrr = {factor: _scaled_mrr(scores, task, entity_type, factor) for factor in CALIBRATION_FACTORS}
            weight *= max(mrr, key=lambda factor: mrr[factor])


def _scaled_mrr(scores: DotProductDecoder, task: LinkTask, entity_type: str, factor: float) -> float:
    """Return the MRR of one relation, with its weights scaled."""
    scaled_weights = {**scores.weights, entity_type: factor * scores.weights[entity_type]}
    relation_task = LinkTask(
        task.message_graph,
        {entity_type: task.movie_queries[entity_type]},
        {entity_type: task.entity_queries[entity_type]},
    )
    return evaluate_links(replace(scores, weights=scaled_weights), relation_task)[entity_type]["mrr"]


def warn_of_no_signal(losses: list[float]) -> str:
    """Return a warning for the summary line if the loss is 0 in all epochs; otherwise ''."""
    if max(losses) >= NEGLIGIBLE_LOSS:
        return ""
    return "; warning: the graph has nothing to learn, since no edge to predict has another candidate"


def train_on_all_edges(
    graph: KnowledgeGraph, features: Float32[np.ndarray, "movies dim"], params: Gnn, epochs: int, seed: int,
    checkpoint: Checkpoint | None = None, device: torch.device = CPU,
) -> TrainedGnn:  # fmt: skip
    """Train a GNN with the loss of ``params``: messages pass over every edge, and every edge is predicted.

    Link metrics come from a separate run with held-out edges (``link_prediction``).

    Args:
        graph: all edges.
        features: movie features.
        params: loss, sizes, learning rate and precision.
        epochs: number that predicted held-out edges best; the loss bpr uses ``params.epochs``.
        seed: of the initial weights, dropout and candidates.
        checkpoint: progress of an interrupted run to continue from.
        device: where to train.
    """
    data = to_hetero_data(graph, features, device)
    if params.loss == "bpr":
        return train_bpr(data, params, seed, checkpoint=checkpoint)
    inputs = prepare_inputs(data)
    model = build_link_predictor(inputs, params, seed)
    training_inputs = inputs.with_matmul_dtype(matmul_dtype(params.precision, device))
    task = build_link_task(graph, graph, graph, device)
    optimizer = build_optimizer(model, params.learning_rate)
    seed = derive_seed(seed, "draws")
    result = train(model, optimizer, training_inputs, task, None, epochs, seed, checkpoint)
    with torch.inference_mode():
        embeddings = model(inputs).movies.cpu().numpy()
    return TrainedGnn(model, check_finite(embeddings, epochs), result.losses)


def build_link_predictor(inputs: GnnInputs, params: Gnn, seed: int) -> LinkPredictor:
    """Return an untrained GNN on the device of its inputs."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(seed, "weights"))
        model = LinkPredictor(
            inputs.graph.entity_types, inputs.movies.shape[1], inputs.entities.shape[1],
            params.hidden_dim, params.out_dim, params.dropout,
        )  # fmt: skip
    return model.to(inputs.movies.device)


def build_optimizer(model: LinkPredictor, learning_rate: float) -> torch.optim.Adam:
    """Return the optimizer of the GNN."""
    return torch.optim.Adam(model.parameters(), lr=learning_rate, eps=ADAM_EPSILON, fused=True)

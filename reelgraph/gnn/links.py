"""The run that is judged by held-out links and chooses how long the GNN learns; it makes no embedding."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float32
from torch import nn

from reelgraph.core.seeds import derive
from reelgraph.gnn.fitting import Fitted, Watch, balance, fit, watched
from reelgraph.gnn.hetero import to_hetero
from reelgraph.gnn.judging import Judged, judge, judge_random
from reelgraph.gnn.learning import new_predictor
from reelgraph.gnn.peers import EDGE_MODELS, LEARNING_RATE, EdgeModel, cosine, popularity
from reelgraph.gnn.precision import products_in
from reelgraph.gnn.predictor import Messages, messages
from reelgraph.gnn.scores import Scores, without_bias
from reelgraph.gnn.tasks import Task, Tasks, held_out_tasks, task
from reelgraph.gnn.training import inputs, train
from reelgraph.graph.held_out import Part, Parts, only
from reelgraph.params.gnn import Gnn
from reelgraph.schemas.kg import KnowledgeGraph


@dataclass(frozen=True)
class Judgement:
    """What the run leaves."""

    judged: dict[str, Judged]
    """Model → relation → measure, on the test links; empty where no edge is held out for them."""
    fitted: Fitted
    """The GNN's losses and validation MRR; ``best`` is the number of epochs that is used from here on."""


@dataclass(frozen=True)
class _Run:
    tasks: Tasks
    supervision: KnowledgeGraph
    features: Float32[np.ndarray, "movies dim"]
    params: Gnn
    seed: int
    training: Messages
    """Over the message edges."""
    judging: Messages
    """Over all training edges."""

    @property
    def watch(self) -> Watch | None:
        """Without validation links nothing is watched."""
        if not _has_edges(self.tasks.validation):
            return None
        return Watch(
            self.judging, watched(self.tasks.validation, self.stream("watched")), self.params.patience
        )

    @property
    def tested(self) -> bool:
        """Without test links nobody asks what the GNN scores."""
        return _has_edges(self.tasks.test)

    def stream(self, name: str) -> int:
        return derive(self.seed, f"links/{name}")


def judge_links(
    graph: KnowledgeGraph, parts: Parts, features: Float32[np.ndarray, "movies dim"], params: Gnn, seed: int
) -> Judgement:
    """Train the GNN and its peers without the held-out links; judge all of them by the test links.

    Args:
        graph: all edges; what the entities' features were learned of has no held-out one.
        parts: of the edges.
        features: of the movies, in the dimension of the entities', since their cosine is a peer.
        params: the GNN's; the peers share dimension, epochs and patience.
        seed: the root seed.
    """
    tasks = held_out_tasks(graph, parts)
    training, judging = (
        messages(to_hetero(each.message, features)) for each in (tasks.train, tasks.validation)
    )
    run = _Run(tasks, only(graph, parts, Part.SUPERVISION), features, params, seed, training, judging)
    with products_in(params.precision):
        gnn, fitted = (_softmax if params.loss == "softmax" else _bpr)(run)
        if not run.tested:
            return Judgement({}, fitted)
        message = tasks.test.message
        scores = {"gnn": gnn, "popularity": popularity(message), "cosine": cosine(message, features)}
        scores |= {name: _edge_model(run, name) for name in EDGE_MODELS}
        judged = {name: judge(each, tasks.test) for name, each in scores.items()}
    return Judgement({**judged, "random": judge_random(tasks.test, run.stream("random"))}, fitted)


def _has_edges(task: Task) -> bool:
    return any(len(side.queries) for side in task.entities_of.values())


def _softmax(run: _Run) -> tuple[Scores, Fitted]:
    model = new_predictor(run.training, run.params, run.stream("gnn"))
    fitted = fit(model, run.training, run.tasks.train, run.watch, run.params.epochs,
                 run.params.learning_rate, run.stream("draws"))  # fmt: skip
    if run.watch and run.tested:
        balance(model, run.judging, run.tasks.validation)
    return _scores(model, run), fitted


def _bpr(run: _Run) -> tuple[Scores, Fitted]:
    """Train as the reference does: a fixed number of epochs, negatives that may be true."""
    message, supervision = (
        to_hetero(each, run.features) for each in (run.tasks.train.message, run.supervision)
    )
    trained = train(message, run.params, run.stream("gnn"), supervision)
    data = to_hetero(run.tasks.test.message, run.features)
    with torch.no_grad():
        movies, entities = trained.model(*inputs(data))
    kinds = [kind for kind in data.node_types if kind != "movie"]
    parts = entities.split([data[kind].num_nodes for kind in kinds])
    plain = dict.fromkeys(kinds, torch.ones(run.params.out_dim))
    return without_bias(movies, dict(zip(kinds, parts, strict=True)), plain), Fitted(trained.losses)


def _edge_model(run: _Run, name: str) -> Scores:
    """Train a peer; it passes no messages, so every training edge is there to be predicted."""
    message = run.tasks.validation.message
    sizes = tuple(len(relation.names) for relation in message.relations.values())
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(run.stream(f"{name}/weights"))
        with torch.device("cpu"):
            model = EdgeModel(
                name, tuple(message.relations), len(message.movie_ids), sizes, run.params.out_dim
            )
    model.to(torch.get_default_device())
    fit(model, run.judging, task(message, message, message), run.watch, run.params.epochs,
        LEARNING_RATE, run.stream(f"{name}/draws"))  # fmt: skip
    return _scores(model, run)


def _scores(model: nn.Module, run: _Run) -> Scores:
    with torch.no_grad():
        return model(run.judging)

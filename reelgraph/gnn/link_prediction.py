"""The run that is judged by held-out links and chooses how long the GNN learns; it makes no embedding."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from jaxtyping import Float32
from torch import nn
from torch.nn.functional import normalize
from torch_geometric.nn.kge import DistMult, TransE

from reelgraph.core.seeds import derive_seed
from reelgraph.gnn.bpr import sage_inputs, train_bpr
from reelgraph.gnn.chunked_linear import matmul_precision
from reelgraph.gnn.decoders import Decoder, DotProductDecoder, TransEDecoder, unbiased_dot_product
from reelgraph.gnn.link_metrics import LinkMetrics, evaluate_links, evaluate_random
from reelgraph.gnn.link_predictor import GnnInputs, prepare_inputs
from reelgraph.gnn.link_splits import LinkSplits, LinkTask, build_link_splits, build_link_task
from reelgraph.gnn.sage import to_hetero_data
from reelgraph.gnn.trainer import (
    EarlyStopping,
    TrainingResult,
    build_link_predictor,
    calibrate_relation_weights,
    subsample,
    train,
)
from reelgraph.graph.edge_split import EdgeRole, EdgeRoles, subgraph
from reelgraph.params.graph import Gnn
from reelgraph.schemas.kg import KnowledgeGraph


@dataclass(frozen=True)
class LinkPredictionResult:
    """What the run leaves."""

    metrics: dict[str, LinkMetrics]
    """Model → relation → measure, on the test links; empty where no edge is held out for them."""
    training: TrainingResult
    """The GNN's losses and validation MRR; ``best`` is the number of epochs that is used from here on."""


@dataclass(frozen=True)
class _HeldOutRun:
    tasks: LinkSplits
    supervision: KnowledgeGraph
    features: Float32[np.ndarray, "movies dim"]
    params: Gnn
    seed: int
    training: GnnInputs
    """Over the message edges."""
    judging: GnnInputs
    """Over all training edges."""

    @property
    def watch(self) -> EarlyStopping | None:
        """Without validation links nothing is watched."""
        if not _has_edges(self.tasks.validation):
            return None
        return EarlyStopping(
            self.judging, subsample(self.tasks.validation, self.stream("watched")), self.params.patience
        )

    @property
    def tested(self) -> bool:
        """Without test links nobody asks what the GNN scores."""
        return _has_edges(self.tasks.test)

    def stream(self, name: str) -> int:
        return derive_seed(self.seed, f"links/{name}")


def evaluate_link_prediction(
    graph: KnowledgeGraph,
    parts: EdgeRoles,
    features: Float32[np.ndarray, "movies dim"],
    params: Gnn,
    seed: int,
) -> LinkPredictionResult:
    """Train the GNN and its peers without the held-out links; judge all of them by the test links.

    Args:
        graph: all edges; what the entities' features were learned of has no held-out one.
        parts: of the edges.
        features: of the movies, in the dimension of the entities', since their cosine is a peer.
        params: the GNN's; the peers share dimension, epochs and patience.
        seed: the root seed.
    """
    tasks = build_link_splits(graph, parts)
    training, judging = (
        prepare_inputs(to_hetero_data(each.message_graph, features))
        for each in (tasks.train, tasks.validation)
    )
    run = _HeldOutRun(
        tasks, subgraph(graph, parts, EdgeRole.SUPERVISION), features, params, seed, training, judging
    )
    with matmul_precision(params.precision):
        gnn, fitted = (_softmax if params.loss == "softmax" else _bpr)(run)
        if not run.tested:
            return LinkPredictionResult({}, fitted)
        message = tasks.test.message_graph
        scores = {"gnn": gnn, "popularity": popularity(message), "cosine": cosine(message, features)}
        scores |= {name: _edge_model(run, name) for name in KGE_MODELS}
        judged = {name: evaluate_links(each, tasks.test) for name, each in scores.items()}
    return LinkPredictionResult(
        {**judged, "random": evaluate_random(tasks.test, run.stream("random"))}, fitted
    )


def _has_edges(task: LinkTask) -> bool:
    return any(len(side.queries) for side in task.movie_queries.values())


def _softmax(run: _HeldOutRun) -> tuple[Decoder, TrainingResult]:
    model = build_link_predictor(run.training, run.params, run.stream("gnn"))
    fitted = train(model, run.training, run.tasks.train, run.watch, run.params.epochs,
                 run.params.learning_rate, run.stream("draws"))  # fmt: skip
    if run.watch and run.tested:
        calibrate_relation_weights(model, run.judging, run.tasks.validation)
    return _scores(model, run), fitted


def _bpr(run: _HeldOutRun) -> tuple[Decoder, TrainingResult]:
    """Train as the reference does: a fixed number of epochs, negatives that may be true."""
    message, supervision = (
        to_hetero_data(each, run.features) for each in (run.tasks.train.message_graph, run.supervision)
    )
    trained = train_bpr(message, run.params, run.stream("gnn"), supervision)
    data = to_hetero_data(run.tasks.test.message_graph, run.features)
    with torch.no_grad():
        movies, entities = trained.model(*sage_inputs(data))
    kinds = [kind for kind in data.node_types if kind != "movie"]
    parts = entities.split([data[kind].num_nodes for kind in kinds])
    plain = dict.fromkeys(kinds, torch.ones(run.params.out_dim))
    return unbiased_dot_product(movies, dict(zip(kinds, parts, strict=True)), plain), TrainingResult(
        trained.losses
    )


def _edge_model(run: _HeldOutRun, name: str) -> Decoder:
    """Train a peer; it passes no messages, so every training edge is there to be predicted."""
    message = run.tasks.validation.message_graph
    sizes = tuple(len(relation.entity_names) for relation in message.relations.values())
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(run.stream(f"{name}/weights"))
        with torch.device("cpu"):
            model = KgeModel(
                name, tuple(message.relations), len(message.movie_ids), sizes, run.params.out_dim
            )
    model.to(torch.get_default_device())
    train(model, run.judging, build_link_task(message, message, message), run.watch, run.params.epochs,
        KGE_LEARNING_RATE, run.stream(f"{name}/draws"))  # fmt: skip
    return _scores(model, run)


def _scores(model: nn.Module, run: _HeldOutRun) -> Decoder:
    with torch.no_grad():
        return model(run.judging)


KGE_MODELS = {"distmult": DistMult, "transe": partial(TransE, p_norm=2.0)}
"""Yang et al. 2015, "Embedding Entities and Relations for Learning and Inference in Knowledge Bases";
Bordes et al. 2013, "Translating Embeddings for Modeling Multi-relational Data"."""

KGE_LEARNING_RATE = 0.01
"""Adam's, of both: their best on validation links."""

FIRST_SCALE = 10.0
"""Of TransE's distances, which are 2 at most, as logits; it is learned. Ranks don't depend on it."""


def popularity(graph: KnowledgeGraph) -> DotProductDecoder:
    """Score a node by its number of edges, whatever the other end: an entity's movies, a movie's entities."""
    of_movie = torch.zeros(len(graph.movie_ids))
    entities, of_entity = {}, {}
    for kind, relation in graph.relations.items():
        of_movie += torch.bincount(torch.tensor(relation.movie_rows), minlength=len(of_movie))
        size = len(relation.entity_names)
        of_entity[kind] = torch.bincount(torch.tensor(relation.entity_index), minlength=size).float()
        entities[kind] = torch.zeros(size, 0)
    nothing = dict.fromkeys(entities, torch.zeros(0))
    return DotProductDecoder(
        torch.zeros(len(of_movie), 0), entities, nothing, dict.fromkeys(entities, of_movie), of_entity
    )


def cosine(graph: KnowledgeGraph, features: Float32[np.ndarray, "movies dim"]) -> DotProductDecoder:
    """Score by the cosine of the input features; movies and names have to have one dimension."""
    movies = normalize(torch.tensor(features))
    entities = {kind: normalize(torch.tensor(r.entity_vectors)) for kind, r in graph.relations.items()}
    return unbiased_dot_product(movies, entities, dict.fromkeys(entities, torch.ones(movies.shape[1])))


class KgeModel(nn.Module):
    """A model of PyTorch Geometric's, with a vector for each node and a score that knows no other node."""

    def __init__(self, name: str, kinds: tuple[str, ...], movies: int, sizes: tuple[int, ...], dim: int):
        """Draw the vectors from torch's global generator.

        Args:
            name: of ``EDGE_MODELS``.
            kinds: entity types.
            movies: how many.
            sizes: entities of each type.
            dim: of all vectors.
        """
        super().__init__()
        self.kinds, self.sizes = kinds, (movies, *sizes)
        self.inner = KGE_MODELS[name](sum(self.sizes), len(kinds), dim)
        self.scale = nn.Parameter(torch.tensor(FIRST_SCALE)) if name == "transe" else None

    def forward(self, _: GnnInputs | None = None) -> DotProductDecoder | TransEDecoder:
        """Return the scores, whatever the message graph."""
        nodes, relations = (
            self.inner.node_emb.weight,
            dict(zip(self.kinds, self.inner.rel_emb.weight, strict=True)),
        )
        movies, *parts = (nodes if self.scale is None else normalize(nodes)).split(self.sizes)
        entities = dict(zip(self.kinds, parts, strict=True))
        if self.scale is None:
            return unbiased_dot_product(movies, entities, relations)
        return TransEDecoder(movies, entities, relations, self.scale)

"""Link prediction on held-out edges: the GNN against its baselines, and the number of epochs to train for.

Baselines are popularity, the cosine of the input features and, on request, two knowledge graph embeddings
that pass no messages. This run makes no released embedding.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from jaxtyping import Float32
from torch import nn
from torch.nn.functional import normalize
from torch_geometric.nn.kge import DistMult, TransE

from reelgraph.core.schemas.kg import KnowledgeGraph
from reelgraph.core.seeds import derive_seed
from reelgraph.core.torch_setup import CPU, matmul_dtype
from reelgraph.gnn.bpr import sage_inputs, train_bpr
from reelgraph.gnn.decoders import Decoder, DotProductDecoder, TransEDecoder, unbiased_dot_product
from reelgraph.gnn.link_metrics import (
    LinkMetrics,
    aggregate_metrics,
    edge_columns,
    evaluate_random,
    rank_edges,
)
from reelgraph.gnn.link_predictor import GnnInputs, prepare_inputs
from reelgraph.gnn.link_splits import LinkSplits, LinkTask, build_link_splits, build_link_task
from reelgraph.gnn.sage import to_hetero_data
from reelgraph.gnn.trainer import (
    EarlyStopping,
    TrainingResult,
    build_link_predictor,
    build_optimizer,
    calibrate_relation_weights,
    subsample,
    train,
)
from reelgraph.graph.edge_split import EdgeRole, EdgeRoles, subgraph
from reelgraph.params.graph import EvaluateLinksParams, Gnn

KGE_MODELS = {"distmult": DistMult, "transe": partial(TransE, p_norm=2.0)}
"""Yang et al. 2015, "Embedding Entities and Relations for Learning and Inference in Knowledge Bases";
Bordes et al. 2013, "Translating Embeddings for Modeling Multi-relational Data"."""

KGE_LEARNING_RATE = 0.01
"""Adam's learning rate for both, chosen on validation edges."""

KGE_EPOCHS = 100
"""Maximum number of epochs for both. They learn each node's vector from nothing, so they need more epochs."""

INITIAL_SCALE = 10.0
"""Initial scale of TransE's distances, which are at most 2. It is learned; ranks do not depend on it."""


@dataclass(frozen=True)
class LinkPredictionResult:
    """Test metrics of the GNN and its baselines, and the training log of the GNN."""

    metrics: dict[str, LinkMetrics]
    """Model → relation → metric, on the test edges; empty if no edge is held out for testing."""
    edges: dict[str, np.ndarray]
    """relation, movie (id), entity (row) and reciprocal_rank of the GNN, of each test edge."""
    training: TrainingResult
    """``best_epoch`` is the number of epochs for training on all edges."""


@dataclass(frozen=True)
class _HeldOutRun:
    """What all models of the run share."""

    splits: LinkSplits
    supervision: KnowledgeGraph
    features: Float32[np.ndarray, "movies dim"]
    params: Gnn
    seed: int
    device: torch.device
    matmul_dtype: torch.dtype
    message_inputs: GnnInputs
    """Over the message edges."""
    training_inputs: GnnInputs
    """Over all training edges."""

    @property
    def validation_sample(self) -> LinkTask:
        """The validation edges that choose the epochs and calibrate the relations."""
        return subsample(self.splits.validation, self.derive_seed("watched"))

    @property
    def early_stopping(self) -> EarlyStopping | None:
        """None without validation edges."""
        if not self.splits.validation.has_edges():
            return None
        return EarlyStopping(self.training_inputs, self.validation_sample, self.params.patience)

    def derive_seed(self, name: str) -> int:
        """Return the seed of a stream of random numbers of this run."""
        return derive_seed(self.seed, f"links/{name}")


def evaluate_link_prediction(
    graph: KnowledgeGraph, roles: EdgeRoles, features: Float32[np.ndarray, "movies dim"],
    params: EvaluateLinksParams, device: torch.device = CPU,
) -> LinkPredictionResult:  # fmt: skip
    """Train the GNN and its baselines without the held-out edges, and evaluate them on the test edges.

    Args:
        graph: all edges. The entity features must not depend on held-out edges.
        roles: of the edges.
        features: movie features, of the same dimension as the entity features, for the cosine baseline.
        params: root seed, params of the GNN, whose dimension and patience the baselines share, and
            whether ``KGE_MODELS`` are among them.
        device: where to train and evaluate.
    """
    splits = build_link_splits(graph, roles, device)
    dtype = matmul_dtype(params.gnn.precision, device)
    message_inputs, training_inputs = (
        prepare_inputs(to_hetero_data(task.message_graph, features, device)).with_matmul_dtype(dtype)
        for task in (splits.train, splits.validation)
    )
    supervision = subgraph(graph, roles, EdgeRole.SUPERVISION)
    run = _HeldOutRun(splits, supervision, features, params.gnn, params.seed, device, dtype,
                      message_inputs, training_inputs)  # fmt: skip
    gnn_scores, training = (_train_softmax if params.gnn.loss == "softmax" else _train_bpr)(run)
    if not splits.test.has_edges():
        return LinkPredictionResult({}, edge_columns(splits.test, {}), training)
    training_graph = splits.test.message_graph
    scores: dict[str, Decoder] = {
        "gnn": gnn_scores,
        "popularity": popularity(training_graph, device),
        "cosine": cosine(training_graph, features, device, dtype),
    }
    if params.kg.embedding_baselines:
        scores |= {name: _train_kge(run, name) for name in KGE_MODELS}
    ranks = {name: rank_edges(decoder, splits.test) for name, decoder in scores.items()}
    metrics = {name: aggregate_metrics(model_ranks) for name, model_ranks in ranks.items()}
    metrics["random"] = evaluate_random(splits.test, run.derive_seed("random"))
    return LinkPredictionResult(metrics, edge_columns(splits.test, ranks["gnn"]), training)


def _train_softmax(run: _HeldOutRun) -> tuple[Decoder, TrainingResult]:
    """Train the GNN with the sampled softmax loss."""
    model = build_link_predictor(run.message_inputs, run.params, run.derive_seed("gnn"))
    optimizer = build_optimizer(model, run.params.learning_rate)
    result = train(model, optimizer, run.message_inputs, run.splits.train, run.early_stopping,
                   run.params.epochs, run.derive_seed("draws"))  # fmt: skip
    if run.splits.validation.has_edges() and run.splits.test.has_edges():
        calibrate_relation_weights(model, run.training_inputs, run.validation_sample)
    return _scores(model, run), result


def _train_bpr(run: _HeldOutRun) -> tuple[Decoder, TrainingResult]:
    """Train like the reference: a fixed number of epochs, with negatives that may be true neighbours."""
    message_data = to_hetero_data(run.splits.train.message_graph, run.features, run.device)
    supervision_data = to_hetero_data(run.supervision, run.features, run.device)
    trained = train_bpr(message_data, run.params, run.derive_seed("gnn"), supervision_data)
    graph, *features = sage_inputs(to_hetero_data(run.splits.test.message_graph, run.features, run.device))
    with torch.no_grad():
        movies, entities = trained.model(graph, *features, run.matmul_dtype)
    entities_by_type = dict(zip(graph.entity_types, entities.split(graph.entity_counts), strict=True))
    weights = dict.fromkeys(graph.entity_types, torch.ones(run.params.out_dim, device=run.device))
    scores = unbiased_dot_product(movies, entities_by_type, weights, run.matmul_dtype)
    return scores, TrainingResult(trained.losses)


def _train_kge(run: _HeldOutRun, name: str) -> Decoder:
    """Train a knowledge graph embedding. It passes no messages, so it predicts all training edges."""
    training_graph = run.splits.validation.message_graph
    counts = tuple(len(relation.entity_names) for relation in training_graph.relations.values())
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(run.derive_seed(f"{name}/weights"))
        model = KgeModel(
            name, tuple(training_graph.relations), len(training_graph.movie_ids), counts, run.params.out_dim
        )
    model.to(run.device)
    task = build_link_task(training_graph, training_graph, training_graph, run.device)
    optimizer = torch.optim.Adam(model.parameters(), lr=KGE_LEARNING_RATE, fused=True)
    train(model, optimizer, run.training_inputs, task, run.early_stopping, KGE_EPOCHS,
          run.derive_seed(f"{name}/draws"))  # fmt: skip
    return _scores(model, run)


def _scores(model: nn.Module, run: _HeldOutRun) -> Decoder:
    with torch.no_grad():
        return model(run.training_inputs)


def popularity(graph: KnowledgeGraph, device: torch.device = CPU) -> DotProductDecoder:
    """Score a node by its degree, whatever the other end: an entity's movies, a movie's entities."""
    n_movies = len(graph.movie_ids)
    movie_degrees = torch.zeros(n_movies, device=device)
    entity_degrees = {}
    empty_vectors = {}
    for entity_type, relation in graph.relations.items():
        n_entities = len(relation.entity_names)
        movies = torch.tensor(relation.movie_rows, device=device)
        entities = torch.tensor(relation.entity_index, device=device)
        movie_degrees += torch.bincount(movies, minlength=n_movies)
        entity_degrees[entity_type] = torch.bincount(entities, minlength=n_entities).float()
        empty_vectors[entity_type] = torch.zeros(n_entities, 0, device=device)
    return DotProductDecoder(
        torch.zeros(n_movies, 0, device=device),
        empty_vectors,
        dict.fromkeys(empty_vectors, torch.zeros(0, device=device)),
        dict.fromkeys(empty_vectors, movie_degrees),
        entity_degrees,
    )


def cosine(
    graph: KnowledgeGraph,
    features: Float32[np.ndarray, "movies dim"],
    device: torch.device = CPU,
    matmul_dtype: torch.dtype = torch.float32,
) -> DotProductDecoder:
    """Score by the cosine of the input features; movies and entities must have the same dimension."""
    movies = normalize(torch.tensor(features, device=device))
    entities = {
        entity_type: normalize(torch.tensor(relation.entity_vectors, device=device))
        for entity_type, relation in graph.relations.items()
    }
    weights = dict.fromkeys(entities, torch.ones(movies.shape[1], device=device))
    return unbiased_dot_product(movies, entities, weights, matmul_dtype)


class KgeModel(nn.Module):
    """A knowledge graph embedding of PyTorch Geometric: one free vector per node, and no messages."""

    def __init__(
        self,
        name: str,
        entity_types: tuple[str, ...],
        n_movies: int,
        entity_counts: tuple[int, ...],
        dim: int,
    ):
        """Draw the vectors from torch's global generator.

        Args:
            name: key of ``KGE_MODELS``.
            entity_types: all node types except movies.
            n_movies: number of movies.
            entity_counts: number of entities of each type.
            dim: dimension of all vectors.
        """
        super().__init__()
        self.entity_types = entity_types
        self.node_counts = (n_movies, *entity_counts)
        self.inner = KGE_MODELS[name](sum(self.node_counts), len(entity_types), dim)
        self.scale = nn.Parameter(torch.tensor(INITIAL_SCALE)) if name == "transe" else None

    def forward(self, inputs: GnnInputs | None = None) -> DotProductDecoder | TransEDecoder:
        """Return the scores; of the inputs, only the dtype of products is used."""
        dtype = torch.float32 if inputs is None else inputs.matmul_dtype
        nodes = self.inner.node_emb.weight
        relations = dict(zip(self.entity_types, self.inner.rel_emb.weight, strict=True))
        if self.scale is not None:
            nodes = normalize(nodes)
        movies, *entities = nodes.split(self.node_counts)
        entities_by_type = dict(zip(self.entity_types, entities, strict=True))
        if self.scale is None:
            return unbiased_dot_product(movies, entities_by_type, relations, dtype)
        return TransEDecoder(movies, entities_by_type, relations, self.scale, dtype)

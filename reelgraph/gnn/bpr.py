"""Reference training: each edge against one random entity, scored by dot products, with the BPR loss.

Rendle et al. 2009, "BPR: Bayesian Personalized Ranking from Implicit Feedback"; docs/reference.md, train_gnn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float32, Int64
from torch import Tensor
from torch.nn.functional import softplus
from torch_geometric.data import HeteroData

from reelgraph.core.seeds import derive_seed
from reelgraph.core.torch_setup import matmul_dtype
from reelgraph.gnn.link_predictor import LinkPredictor
from reelgraph.gnn.sage import BipartiteCsr, HeteroSage, build_bipartite_csr, stack_edges
from reelgraph.gnn.sparse import pair_dots, row_offsets
from reelgraph.params.graph import Gnn
from reelgraph.runtime.checkpointing import Checkpoint, TrainingState
from reelgraph.runtime.errors import TrainingError
from reelgraph.runtime.progress import progress


@dataclass(frozen=True)
class TrainedGnn:
    """A trained model, its movie embeddings and its training losses."""

    model: HeteroSage | LinkPredictor
    embeddings: Float32[np.ndarray, "movies out"]
    losses: list[float]
    """Training loss of each epoch, before its step."""


@dataclass(frozen=True)
class BprEdges:
    """The movie→entity edges that training predicts, sorted by movie."""

    offsets: Int64[Tensor, " movies_plus_1"]
    """Where the pairs of a movie start; each edge is two pairs, a positive and a negative one."""
    positives: Int64[Tensor, " edges"]
    """Entities, numbered across types."""
    first_entities: Int64[Tensor, " edges"]
    """First entity of the positive's type."""
    entity_counts: Int64[Tensor, " edges"]
    """Number of entities of that type."""
    weights: Float32[Tensor, " edges"]
    """1 / number of edges of that type."""


def build_bpr_edges(data: HeteroData, graph: BipartiteCsr) -> BprEdges:
    """Return every movie→entity edge of ``data`` as an edge to predict."""
    movies, entities, edge_types = stack_edges(data, graph.entity_types)
    sorted_movies, order = movies.int().sort(stable=True)
    entity_counts = torch.tensor(graph.entity_counts, device=movies.device)
    edge_counts = torch.bincount(edge_types, minlength=len(entity_counts))
    edge_types = edge_types[order]
    first_entities = entity_counts.cumsum(0) - entity_counts
    return BprEdges(
        offsets=2 * row_offsets(sorted_movies, data["movie"].num_nodes),
        positives=entities[order],
        first_entities=first_entities[edge_types],
        entity_counts=entity_counts[edge_types],
        weights=1 / edge_counts[edge_types].float(),
    )


def bpr_loss(
    movies: Float32[Tensor, "movies dim"],
    entities: Float32[Tensor, "entities dim"],
    edges: BprEdges,
    negatives: Int64[Tensor, " edges"],
) -> Float32[Tensor, ""]:
    """Return −log σ(positive − negative score), averaged per type and summed over types."""
    pairs = torch.stack([edges.positives, negatives], dim=1).flatten()
    scores = pair_dots(movies, entities, edges.offsets, pairs).view(-1, 2)
    return edges.weights @ softplus(scores[:, 1] - scores[:, 0])


def sample_negatives(edges: BprEdges, generator: torch.Generator) -> Int64[Tensor, " edges"]:
    """Sample an entity of the same type for each edge, uniformly.

    It may be a true neighbour, as in the reference.
    """
    uniform = torch.rand(len(edges.positives), generator=generator, dtype=torch.float64)
    index_in_type = (uniform * edges.entity_counts.cpu()).long()
    return edges.first_entities + index_in_type.to(edges.first_entities.device)


def train_bpr(
    data: HeteroData,
    params: Gnn,
    seed: int,
    predicted: HeteroData | None = None,
    checkpoint: Checkpoint | None = None,
) -> TrainedGnn:
    """Train on every edge of the graph and return the movie embeddings.

    Args:
        data: message graph, as ``to_hetero_data`` returns it. The model is trained on its device.
        params: sizes, epochs, learning rate and precision.
        seed: of the initial weights and the negatives.
        predicted: graph with the edges to predict, if they are not those of the message graph.
        checkpoint: progress of an interrupted run to continue from.

    Raises:
        TrainingError: the loss or the embeddings are not finite.
    """
    inputs = sage_inputs(data)
    graph, *features = inputs
    model = _build_model(data, graph, params, derive_seed(seed, "weights"))
    optimizer = torch.optim.Adam(model.parameters(), lr=params.learning_rate, fused=True)
    edges = build_bpr_edges(predicted or data, graph)
    generator = torch.Generator().manual_seed(derive_seed(seed, "negatives"))
    training_state = TrainingState(model, optimizer, generator)
    checkpoint = checkpoint or Checkpoint(None)
    training_state.restore(checkpoint)
    losses = checkpoint.log
    dtype = matmul_dtype(params.precision, data["movie"].x.device)
    cast_features = [tensor.to(dtype) for tensor in features]
    for epoch in progress(
        range(checkpoint.completed + 1, params.epochs + 1), "train gnn", total=params.epochs
    ):
        movies, entities = model(graph, *cast_features, dtype)
        loss = bpr_loss(movies, entities, edges, sample_negatives(edges, generator))
        losses.append(_check_loss(loss.item(), epoch))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        training_state.save(checkpoint, epoch)
    with torch.inference_mode():
        embeddings = model(*inputs)[0].cpu().numpy()
    return TrainedGnn(model, check_finite(embeddings, params.epochs), losses)


def sage_inputs(data: HeteroData) -> tuple[BipartiteCsr, Tensor, Tensor, Tensor]:
    """Return the positional arguments of ``HeteroSage.forward``."""
    graph = build_bipartite_csr(data)
    movies = data["movie"].x
    entities = torch.cat([data[entity_type].x for entity_type in graph.entity_types])
    return graph, movies, entities, graph.to_entities @ movies


def _build_model(data: HeteroData, graph: BipartiteCsr, params: Gnn, seed: int) -> HeteroSage:
    movie_features = data["movie"].x
    entity_dim = data[graph.entity_types[0]].x.shape[1]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = HeteroSage(
            graph.entity_types, movie_features.shape[1], entity_dim, params.hidden_dim, params.out_dim
        )
    return model.to(movie_features.device)


def check_finite(
    embeddings: Float32[np.ndarray, "movies out"], epoch: int
) -> Float32[np.ndarray, "movies out"]:
    """Return the embeddings.

    Raises:
        TrainingError: some are infinite or NaN after the last step.
    """
    if not np.isfinite(embeddings).all():
        raise TrainingError(f"train_gnn, epoch {epoch}", "finite embeddings", "infinite values or NaN",
                            "Lower gnn.learning_rate.")  # fmt: skip
    return embeddings


def _check_loss(loss: float, epoch: int) -> float:
    if not np.isfinite(loss):
        raise TrainingError(f"train_gnn, epoch {epoch}", "a finite loss", str(loss),
                            "Lower gnn.learning_rate.")  # fmt: skip
    return loss

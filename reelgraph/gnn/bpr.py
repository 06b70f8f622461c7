"""The reference's training: every edge against one random entity, by dot products (SPEC, train_gnn)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float32, Int64
from torch import Tensor
from torch.nn.functional import softplus
from torch_geometric.data import HeteroData

from reelgraph.core.seeds import derive_seed
from reelgraph.gnn.chunked_linear import matmul_precision, to_matmul_dtype
from reelgraph.gnn.link_predictor import LinkPredictor
from reelgraph.gnn.sage import BipartiteCsr, HeteroSage, build_bipartite_csr, stack_edges
from reelgraph.gnn.sparse import pair_dots, row_offsets
from reelgraph.params.graph import Gnn
from reelgraph.runtime.checkpointing import Checkpoint, TrainingState
from reelgraph.runtime.errors import TrainingError
from reelgraph.runtime.progress import progress


@dataclass(frozen=True)
class TrainedGnn:
    """What training gives."""

    model: HeteroSage | LinkPredictor
    embeddings: Float32[np.ndarray, "movies out"]
    losses: list[float]
    """The mean BPR loss of each type, summed over the types; one an epoch, before its step."""


@dataclass(frozen=True)
class BprEdges:
    """The movie→entity edges that training predicts, ordered by movie."""

    starts: Int64[Tensor, " movies_plus_1"]
    """Where the edges of a movie start, counted twice: each has a positive and a negative."""
    positives: Int64[Tensor, " edges"]
    """Entities, counted through all types."""
    first: Int64[Tensor, " edges"]
    """The first entity of the positive's type."""
    choices: Int64[Tensor, " edges"]
    """How many entities that type has."""
    weights: Float32[Tensor, " edges"]
    """1 / edges of that type."""


def build_bpr_edges(data: HeteroData, graph: BipartiteCsr) -> BprEdges:
    """Return every movie→entity edge of the graph as a link to predict."""
    movies, entities, kinds = stack_edges(data, graph.entity_types)
    ordered, order = movies.int().sort(stable=True)
    sizes = torch.tensor(graph.entity_counts)
    counts = torch.bincount(kinds, minlength=len(sizes))
    kinds = kinds[order]
    starts = 2 * row_offsets(ordered, data["movie"].num_nodes)
    first = (sizes.cumsum(0) - sizes)[kinds]
    return BprEdges(starts, entities[order], first, sizes[kinds], 1 / counts[kinds].float())


def bpr_loss(
    movies: Float32[Tensor, "movies dim"],
    entities: Float32[Tensor, "entities dim"],
    links: BprEdges,
    negatives: Int64[Tensor, " edges"],
) -> Float32[Tensor, ""]:
    """Return −log σ(positive − negative score), mean per type, summed (Rendle et al. 2009, BPR)."""
    pairs = torch.stack([links.positives, negatives], dim=1).flatten()
    scores = pair_dots(movies, entities, links.starts, pairs).view(-1, 2)
    return links.weights @ softplus(scores[:, 1] - scores[:, 0])


def sample_negatives(links: BprEdges, generator: torch.Generator) -> Int64[Tensor, " edges"]:
    """Draw for each edge an entity of its type, uniformly; it may be a true one, as in the reference."""
    share = torch.rand(len(links.positives), generator=generator, dtype=torch.float64, device="cpu")
    return links.first + (share * links.choices.cpu()).long().to(links.first.device)


def train_bpr(
    data: HeteroData,
    params: Gnn,
    seed: int,
    predicted: HeteroData | None = None,
    state: Checkpoint | None = None,
) -> TrainedGnn:
    """Train on every edge of the graph and return the movies' vectors.

    Args:
        data: node features and edges in both directions, as ``hetero.to_hetero`` gives them.
        params: sizes, epochs, learning rate.
        seed: of this run's weights and negatives.
        predicted: has other edges to predict than those that messages pass over.
        state: where to go on from.

    Raises:
        TrainingError: the loss is no longer finite.
    """
    given = sage_inputs(data)
    graph = given[0]
    model = _model(data, graph, params, derive_seed(seed, "weights"))
    optimizer = torch.optim.Adam(model.parameters(), lr=params.learning_rate, fused=True)
    targets, negatives = (
        build_bpr_edges(predicted or data, graph),
        torch.Generator("cpu").manual_seed(derive_seed(seed, "negatives")),
    )
    learner, state = TrainingState(model, optimizer, negatives), state or Checkpoint(None)
    learner.restore(state)
    losses = state.log
    with matmul_precision(params.precision):
        read = (graph, *(to_matmul_dtype(each) for each in given[1:]))
        for epoch in progress(
            range(state.completed + 1, params.epochs + 1), "train gnn", total=params.epochs
        ):
            new_movies, new_entities = model(*read)
            loss = bpr_loss(new_movies, new_entities, targets, sample_negatives(targets, negatives))
            losses.append(_finite(loss.item(), epoch))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            learner.save(state, epoch)
    with torch.inference_mode():
        return TrainedGnn(model, check_finite(model(*given)[0].cpu().numpy(), params.epochs), losses)


def sage_inputs(data: HeteroData) -> tuple[BipartiteCsr, Tensor, Tensor, Tensor]:
    """Return what ``HeteroSage`` is called with."""
    graph = build_bipartite_csr(data)
    movies, entities = data["movie"].x, torch.cat([data[kind].x for kind in graph.entity_types])
    return graph, movies, entities, graph.to_entities @ movies


def _model(data: HeteroData, graph: BipartiteCsr, params: Gnn, seed: int) -> HeteroSage:
    movie_dim, entity_dim = data["movie"].x.shape[1], data[graph.entity_types[0]].x.shape[1]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        with torch.device("cpu"):
            model = HeteroSage(graph.entity_types, movie_dim, entity_dim, params.hidden_dim, params.out_dim)
    return model.to(torch.get_default_device())


def check_finite(
    embeddings: Float32[np.ndarray, "movies out"], epoch: int
) -> Float32[np.ndarray, "movies out"]:
    """Return the embeddings.

    Raises:
        TrainingError: the last step made some infinite or NaN.
    """
    if not np.isfinite(embeddings).all():
        raise TrainingError(f"train_gnn, epoch {epoch}", "finite embeddings", "others",
                            "Lower gnn.learning_rate.")  # fmt: skip
    return embeddings


def _finite(loss: float, epoch: int) -> float:
    if not np.isfinite(loss):
        raise TrainingError(f"train_gnn, epoch {epoch}", "a finite loss", str(loss),
                            "Lower gnn.learning_rate.")  # fmt: skip
    return loss

"""Two layers of GraphSAGE over a heterogeneous star graph: movies, and entities that only movies touch.

PyTorch Geometric's ``HeteroConv(SAGEConv)`` hold the parameters; the forward pass is their
equal in another order (Hamilton et al. 2017, "Inductive Representation Learning on Large
Graphs", mean aggregation; SPEC, train_gnn).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float32, Int64
from torch import Tensor, nn
from torch.nn.functional import layer_norm
from torch_geometric.data import HeteroData
from torch_geometric.nn.conv import HeteroConv, SAGEConv
from torch_geometric.nn.module_dict import ModuleDict

from reelgraph.core.fast_dropout import FastDropout, ReluDropout
from reelgraph.gnn.chunked_linear import linear, typed_linear
from reelgraph.gnn.sparse import CsrMatrix, build_csr, sparse_matmul
from reelgraph.schemas.kg import KnowledgeGraph


@dataclass(frozen=True)
class BipartiteCsr:
    """The matrices of one message graph; entities of all types stand one type after another."""

    entity_types: tuple[str, ...]
    entity_counts: tuple[int, ...]
    """Entities of each type."""
    to_entities: CsrMatrix
    """[entities, movies]: the mean over an entity's movies."""
    to_entities_t: CsrMatrix
    to_movies: CsrMatrix
    """[movies, entities]: per type the mean over a movie's entities, averaged over the types."""
    to_movies_t: CsrMatrix


def build_bipartite_csr(data: HeteroData) -> BipartiteCsr:
    """Stack the relations of a graph into one matrix for each direction."""
    kinds = tuple(kind for kind in data.node_types if kind != "movie")
    sizes = tuple(data[kind].num_nodes for kind in kinds)
    shape = (data["movie"].num_nodes, sum(sizes))
    movies, entities, edge_kinds = stack_edges(data, kinds)
    of_entity = torch.bincount(entities, minlength=shape[1])
    pairs = movies * len(kinds) + edge_kinds
    of_movie = torch.bincount(pairs, minlength=shape[0] * len(kinds))
    up = 1 / of_entity[entities].float()
    down = 1 / (of_movie[pairs].float() * len(kinds))
    return BipartiteCsr(
        kinds, sizes,
        build_csr(entities, movies, up, shape[::-1]), build_csr(movies, entities, up, shape),
        build_csr(movies, entities, down, shape), build_csr(entities, movies, down, shape[::-1]),
    )  # fmt: skip


def stack_edges(
    data: HeteroData, kinds: tuple[str, ...]
) -> tuple[Int64[Tensor, " edges"], Int64[Tensor, " edges"], Int64[Tensor, " edges"]]:
    """Return the movie→entity edges of all types: movies, entities counted through all types, types."""
    edges = [data["movie", f"has_{kind}", kind].edge_index for kind in kinds]
    starts = torch.tensor([0, *(data[kind].num_nodes for kind in kinds)]).cumsum(0)
    counts = torch.tensor([edge.shape[1] for edge in edges])
    edge_kinds = torch.repeat_interleave(torch.arange(len(kinds)), counts)
    movies, entities = torch.cat(edges, dim=1)
    return movies, entities + starts[edge_kinds], edge_kinds


class HeteroSage(nn.Module):
    """Two layers with ReLU between; 28 × 180,300 = 5,048,400 parameters with 300 dims and seven types."""

    def __init__(
        self, kinds: tuple[str, ...], movie_dim: int, entity_dim: int, hidden: int, out: int,
        normalised: bool = False, dropped: float = 0.0,
    ):  # fmt: skip
        """Draw the weights from torch's global generator, in PyTorch Geometric's order.

        Args:
            kinds: entity types.
            movie_dim: of the movies' features.
            entity_dim: of the entities' features.
            hidden: dimension between the layers.
            out: dimension of the vectors.
            normalised: each layer's vectors are brought to mean 0 and variance 1 (LayerNorm without weights).
            dropped: share of the values between the layers that is dropped in training.
        """
        super().__init__()
        self.kinds, self.normalised, self.dropped = kinds, normalised, dropped
        self.shape = {"movie_dim": movie_dim, "entity_dim": entity_dim, "hidden": hidden, "out": out}
        self.layers = nn.ModuleList(
            [_layer(kinds, movie_dim, entity_dim, hidden), _layer(kinds, hidden, hidden, out)]
        )

    def forward(
        self,
        graph: BipartiteCsr,
        movies: Float[Tensor, "movies movie_dim"],
        entities: Float[Tensor, "entities entity_dim"],
        means: Float[Tensor, "entities movie_dim"],
    ) -> tuple[Float32[Tensor, "movies out"], Float32[Tensor, "entities out"]]:
        """Return the vectors of movies and entities.

        Args:
            graph: whose edges pass messages.
            movies: features.
            entities: features, stacked as in ``graph``.
            means: ``graph.into_entities @ movies``; features are frozen, so it is computed once.
        """
        movies, entities = self._messages(0, graph, movies, entities, means)
        movies, entities = self._between(movies), self._between(entities)
        means = sparse_matmul(graph.to_entities, graph.to_entities_t, movies)
        movies, entities = self._messages(1, graph, movies, entities, means)
        return self._norm(movies), self._norm(entities)

    def _between(self, vectors: Tensor) -> Tensor:
        vectors = self._norm(vectors)
        if not (self.training and self.dropped):
            return vectors.relu()
        dropping = FastDropout(self.dropped)
        kept = dropping.mask(vectors.shape, vectors.device).to(vectors.dtype)
        return ReluDropout.apply(vectors, kept) * dropping.scale

    def _norm(self, vectors: Tensor) -> Tensor:
        return layer_norm(vectors, vectors.shape[1:]) if self.normalised else vectors

    def _messages(
        self, layer: int, graph: BipartiteCsr, movies: Tensor, entities: Tensor, means: Tensor
    ) -> tuple[Tensor, Tensor]:
        up, down = self._convolutions(layer)
        new = typed_linear(
            graph.entity_counts, torch.stack([conv.lin_l.bias for conv in up]),
            (means, torch.stack([conv.lin_l.weight for conv in up])),
            (entities, torch.stack([conv.lin_r.weight for conv in up])),
        )  # fmt: skip
        # Entities are fewer than edges: transformed first, and the seven root weights as one.
        sent = typed_linear(
            graph.entity_counts, None, (entities, torch.stack([conv.lin_l.weight for conv in down]))
        )
        root = torch.stack([conv.lin_r.weight for conv in down]).mean(dim=0)
        bias = torch.stack([conv.lin_l.bias for conv in down]).mean(dim=0)
        received = sparse_matmul(graph.to_movies, graph.to_movies_t, sent)
        return received.add_(linear(movies, root, bias)), new

    def _convolutions(self, layer: int) -> tuple[list[SAGEConv], list[SAGEConv]]:
        convs: ModuleDict = self.layers[layer].convs
        up = [convs["movie", f"has_{kind}", kind] for kind in self.kinds]
        return up, [convs[kind, f"has_{kind}_rev", "movie"] for kind in self.kinds]


def _layer(kinds: tuple[str, ...], movie_dim: int, entity_dim: int, out: int) -> HeteroConv:
    convs = {}
    for kind in kinds:
        convs["movie", f"has_{kind}", kind] = SAGEConv((movie_dim, entity_dim), out)
        convs[kind, f"has_{kind}_rev", "movie"] = SAGEConv((entity_dim, movie_dim), out)
    return HeteroConv(convs, aggr="mean")


def to_hetero_data(graph: KnowledgeGraph, movie_features: Float32[np.ndarray, "movies dim"]) -> HeteroData:
    """Return node features ``x`` and edges in both directions.

    Edge types are ``(movie, has_X, X)`` and ``(X, has_X_rev, movie)``, in the order
    of the graph's relations; a relation's edges keep their order by movie row.
    """
    data = HeteroData()
    data["movie"].x = torch.tensor(movie_features)
    for kind, relation in graph.relations.items():
        edges = torch.tensor(np.stack([relation.movie_rows, relation.entity_index]))
        data[kind].x = torch.tensor(relation.entity_vectors)
        data["movie", f"has_{kind}", kind].edge_index = edges
        data[kind, f"has_{kind}_rev", "movie"].edge_index = edges.flip(0).contiguous()
    return data

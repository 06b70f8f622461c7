"""Two GraphSAGE layers on a heterogeneous bipartite graph: movies on one side, entities on the other.

PyTorch Geometric's ``HeteroConv(SAGEConv)`` holds the parameters. The forward pass computes the same function
in another order (Hamilton et al. 2017, "Inductive Representation Learning on Large Graphs", mean aggregation;
docs/reference.md, train_gnn).
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
from reelgraph.core.schemas.kg import KnowledgeGraph
from reelgraph.core.torch_setup import CPU
from reelgraph.gnn.chunked_linear import linear, typed_linear
from reelgraph.gnn.sparse import CsrMatrix, build_csr, sparse_matmul


def to_hetero_data(
    graph: KnowledgeGraph, movie_features: Float32[np.ndarray, "movies dim"], device: torch.device = CPU
) -> HeteroData:
    """Return node features ``x`` and edges in both directions.

    Edge types are ``(movie, has_X, X)`` and ``(X, has_X_rev, movie)``, in the order of the graph's relations.
    The edges of a relation keep their order by movie row.
    """
    data = HeteroData()
    data["movie"].x = torch.tensor(movie_features, device=device)
    for entity_type, relation in graph.relations.items():
        edges = torch.tensor(np.stack([relation.movie_rows, relation.entity_index]), device=device)
        data[entity_type].x = torch.tensor(relation.entity_vectors, device=device)
        data["movie", f"has_{entity_type}", entity_type].edge_index = edges
        data[entity_type, f"has_{entity_type}_rev", "movie"].edge_index = edges.flip(0).contiguous()
    return data


@dataclass(frozen=True)
class BipartiteCsr:
    """Aggregation matrices of one message graph. Entities of all types are stacked, type by type."""

    entity_types: tuple[str, ...]
    entity_counts: tuple[int, ...]
    """Number of entities of each type."""
    to_entities: CsrMatrix
    """[entities, movies]: mean over the movies of an entity."""
    to_entities_t: CsrMatrix
    to_movies: CsrMatrix
    """[movies, entities]: mean over a movie's entities of each type, averaged over the types."""
    to_movies_t: CsrMatrix


def build_bipartite_csr(data: HeteroData) -> BipartiteCsr:
    """Stack the relations of a graph into one matrix per direction."""
    entity_types = tuple(node_type for node_type in data.node_types if node_type != "movie")
    entity_counts = tuple(data[entity_type].num_nodes for entity_type in entity_types)
    n_types = len(entity_types)
    n_movies = data["movie"].num_nodes
    shape = (n_movies, sum(entity_counts))
    movies, entities, edge_types = stack_edges(data, entity_types)
    entity_degrees = torch.bincount(entities, minlength=shape[1])
    typed_movies = movies * n_types + edge_types
    movie_degrees = torch.bincount(typed_movies, minlength=n_movies * n_types)
    to_entity_weights = 1 / entity_degrees[entities].float()
    to_movie_weights = 1 / (movie_degrees[typed_movies].float() * n_types)
    return BipartiteCsr(
        entity_types,
        entity_counts,
        to_entities=build_csr(entities, movies, to_entity_weights, shape[::-1]),
        to_entities_t=build_csr(movies, entities, to_entity_weights, shape),
        to_movies=build_csr(movies, entities, to_movie_weights, shape),
        to_movies_t=build_csr(entities, movies, to_movie_weights, shape[::-1]),
    )


def stack_edges(
    data: HeteroData, entity_types: tuple[str, ...]
) -> tuple[Int64[Tensor, " edges"], Int64[Tensor, " edges"], Int64[Tensor, " edges"]]:
    """Return the movie→entity edges of all types: movie, entity (numbered across types) and type of each."""
    edges = [data["movie", f"has_{entity_type}", entity_type].edge_index for entity_type in entity_types]
    device = edges[0].device
    counts = torch.tensor([edge.shape[1] for edge in edges], device=device)
    edge_types = torch.repeat_interleave(torch.arange(len(entity_types), device=device), counts)
    entity_counts = [data[entity_type].num_nodes for entity_type in entity_types]
    first_entities = torch.tensor([0, *entity_counts], device=device).cumsum(0)
    movies, entities = torch.cat(edges, dim=1)
    return movies, entities + first_entities[edge_types], edge_types


class HeteroSage(nn.Module):
    """Two layers with ReLU between them; 28 × 180,300 = 5,048,400 parameters at 300 dims and seven types."""

    def __init__(
        self, entity_types: tuple[str, ...], movie_dim: int, entity_dim: int, hidden_dim: int, out_dim: int,
        layer_norm: bool = False, dropout: float = 0.0,
    ):  # fmt: skip
        """Draw the weights from torch's global generator, in the order of PyTorch Geometric.

        Args:
            entity_types: all node types except movies.
            movie_dim: dimension of the movie features.
            entity_dim: dimension of the entity features.
            hidden_dim: dimension between the layers.
            out_dim: dimension of the embeddings.
            layer_norm: normalize the output of each layer to mean 0 and std 1 (LayerNorm without weights).
            dropout: fraction of the values between the layers that is dropped in training.
        """
        super().__init__()
        self.entity_types = entity_types
        self.layer_norm = layer_norm
        self.dropout = dropout
        self.config = {"movie_dim": movie_dim, "entity_dim": entity_dim, "hidden_dim": hidden_dim,
                       "out_dim": out_dim}  # fmt: skip
        self.layers = nn.ModuleList(
            [
                _build_layer(entity_types, movie_dim, entity_dim, hidden_dim),
                _build_layer(entity_types, hidden_dim, hidden_dim, out_dim),
            ]
        )

    def forward(
        self,
        graph: BipartiteCsr,
        movies: Float[Tensor, "movies movie_dim"],
        entities: Float[Tensor, "entities entity_dim"],
        means: Float[Tensor, "entities movie_dim"],
        matmul_dtype: torch.dtype = torch.float32,
    ) -> tuple[Float32[Tensor, "movies out"], Float32[Tensor, "entities out"]]:
        """Return the embeddings of movies and entities.

        Args:
            graph: message graph.
            movies: movie features.
            entities: entity features, stacked as in ``graph``.
            means: ``graph.to_entities @ movies``, which is computed once because features are fixed.
            matmul_dtype: dtype of the factors of dense products.
        """
        movies, entities = self._convolve(0, graph, movies, entities, means, matmul_dtype)
        movies = self._activate(movies)
        entities = self._activate(entities)
        means = sparse_matmul(graph.to_entities, graph.to_entities_t, movies)
        movies, entities = self._convolve(1, graph, movies, entities, means, matmul_dtype)
        return self._normalize(movies), self._normalize(entities)

    def _activate(self, vectors: Tensor) -> Tensor:
        """Apply layer norm, ReLU and dropout."""
        vectors = self._normalize(vectors)
        if not (self.training and self.dropout):
            return vectors.relu()
        dropout = FastDropout(self.dropout)
        mask = dropout.mask(vectors.shape, vectors.device).to(vectors.dtype)
        return ReluDropout.apply(vectors, mask) * dropout.scale

    def _normalize(self, vectors: Tensor) -> Tensor:
        return layer_norm(vectors, vectors.shape[1:]) if self.layer_norm else vectors

    def _convolve(
        self, layer: int, graph: BipartiteCsr, movies: Tensor, entities: Tensor, means: Tensor,
        matmul_dtype: torch.dtype,
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        """Apply one layer in both directions."""
        to_entities, to_movies = self._convolutions(layer)
        new_entities = typed_linear(
            graph.entity_counts, torch.stack([conv.lin_l.bias for conv in to_entities]),
            (means, torch.stack([conv.lin_l.weight for conv in to_entities])),
            (entities, torch.stack([conv.lin_r.weight for conv in to_entities])),
            dtype=matmul_dtype,
        )  # fmt: skip
        # Entities are fewer than edges, so they are transformed before they are aggregated. The root weights
        # of all types act on the same movies, so they are averaged first.
        messages = typed_linear(
            graph.entity_counts, None,
            (entities, torch.stack([conv.lin_l.weight for conv in to_movies])),
            dtype=matmul_dtype,
        )  # fmt: skip
        root_weight = torch.stack([conv.lin_r.weight for conv in to_movies]).mean(dim=0)
        root_bias = torch.stack([conv.lin_l.bias for conv in to_movies]).mean(dim=0)
        aggregated = sparse_matmul(graph.to_movies, graph.to_movies_t, messages)
        new_movies = aggregated.add_(linear(movies, root_weight, root_bias, dtype=matmul_dtype))
        return new_movies, new_entities

    def _convolutions(self, layer: int) -> tuple[list[SAGEConv], list[SAGEConv]]:
        """Return the convolutions from movies to entities and from entities to movies, one per type."""
        convs: ModuleDict = self.layers[layer].convs
        to_entities = [convs["movie", f"has_{name}", name] for name in self.entity_types]
        to_movies = [convs[name, f"has_{name}_rev", "movie"] for name in self.entity_types]
        return to_entities, to_movies


def _build_layer(entity_types: tuple[str, ...], movie_dim: int, entity_dim: int, out_dim: int) -> HeteroConv:
    convs = {}
    for entity_type in entity_types:
        convs["movie", f"has_{entity_type}", entity_type] = SAGEConv((movie_dim, entity_dim), out_dim)
        convs[entity_type, f"has_{entity_type}_rev", "movie"] = SAGEConv((entity_dim, movie_dim), out_dim)
    return HeteroConv(convs, aggr="mean")

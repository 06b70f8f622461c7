"""The GNN that predicts links: GraphSAGE embeddings, a decoder per relation, and node popularity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Float32
from torch import Tensor, nn
from torch_geometric.data import HeteroData

from reelgraph.gnn.decoders import DotProductDecoder
from reelgraph.gnn.sage import BipartiteCsr, HeteroSage, build_bipartite_csr

INITIAL_WEIGHT = 0.1
"""Initial weight of the dot product in a score, so that scores start close to popularity."""

INIT_NOISE = 0.1
"""Factor of PyTorch's random initial weights, to which the identity is added."""

DEGREE_LR_MULTIPLIER = 10.0
"""Popularity is learned this many times as fast as the embeddings, which overfit in many epochs."""

MIN_SCALE = 1e-12
"""Lower bound of the std that features are divided by, since all features may be equal."""


@dataclass(frozen=True)
class GnnInputs:
    """A message graph with standardized features, precomputed for all epochs."""

    graph: BipartiteCsr
    movies: Float[Tensor, "movies movie_dim"]
    entities: Float[Tensor, "entities entity_dim"]
    means: Float[Tensor, "entities movie_dim"]
    """Mean features of an entity's movies."""
    movie_degrees: Mapping[str, Float32[Tensor, " movies"]]
    """Entity type → log(1 + edges of this type)."""
    entity_degrees: Mapping[str, Float32[Tensor, " _"]]
    matmul_dtype: torch.dtype = torch.float32
    """dtype of the factors of all dense products."""

    def with_matmul_dtype(self, dtype: torch.dtype) -> GnnInputs:
        """Return inputs whose products are computed in ``dtype``; features are cast once."""
        return replace(
            self,
            movies=self.movies.to(dtype),
            entities=self.entities.to(dtype),
            means=self.means.to(dtype),
            matmul_dtype=dtype,
        )


def prepare_inputs(data: HeteroData, fitted: HeteroData | None = None) -> GnnInputs:
    """Center the features of each node type, scale them to unit variance, and aggregate them once.

    Args:
        data: message graph.
        fitted: graph that the model was trained on, whose features have mean 0 and variance 1; by default
            ``data``.
    """
    graph = build_bipartite_csr(data)
    reference = fitted or data
    movies = _standardize(data["movie"].x, reference["movie"].x)
    entities = torch.cat(
        [_standardize(data[entity_type].x, reference[entity_type].x) for entity_type in graph.entity_types]
    )
    movie_degrees = {}
    entity_degrees = {}
    for entity_type in graph.entity_types:
        movie_ends, entity_ends = data["movie", f"has_{entity_type}", entity_type].edge_index
        movie_degrees[entity_type] = _log_degrees(movie_ends, data["movie"].num_nodes)
        entity_degrees[entity_type] = _log_degrees(entity_ends, data[entity_type].num_nodes)
    return GnnInputs(graph, movies, entities, graph.to_entities @ movies, movie_degrees, entity_degrees)


class LinkPredictor(nn.Module):
    """Movie and entity embeddings, and scores ``weight ∘ movie · entity + popularity`` for each relation.

    Popularity is a learned multiple of log(1 + degree) in the message graph, for both ends of an edge. An
    entity with many movies is likelier, and a movie that already has a director is less likely to have
    another.
    """

    def __init__(
        self, entity_types: tuple[str, ...], movie_dim: int, entity_dim: int, hidden_dim: int, out_dim: int,
        dropout: float,
    ):  # fmt: skip
        """Draw the weights from torch's global generator; see ``HeteroSage`` for the arguments."""
        super().__init__()
        self.entity_types = entity_types
        self.config = {"movie_dim": movie_dim, "entity_dim": entity_dim, "hidden_dim": hidden_dim,
                       "out_dim": out_dim, "dropout": dropout}  # fmt: skip
        self.sage = HeteroSage(
            entity_types, movie_dim, entity_dim, hidden_dim, out_dim, layer_norm=True, dropout=dropout
        )
        init_near_identity(self.sage)
        self.weights = nn.ParameterDict(
            {entity_type: torch.full((out_dim,), INITIAL_WEIGHT) for entity_type in entity_types}
        )
        self.entity_popularity = nn.ParameterDict(
            {entity_type: torch.tensor(1 / DEGREE_LR_MULTIPLIER) for entity_type in entity_types}
        )
        self.movie_popularity = nn.ParameterDict(
            {entity_type: torch.tensor(0.0) for entity_type in entity_types}
        )

    def forward(self, inputs: GnnInputs) -> DotProductDecoder:
        """Return embeddings and scores over a message graph."""
        movies, entities = self.sage(
            inputs.graph, inputs.movies, inputs.entities, inputs.means, inputs.matmul_dtype
        )
        entities_by_type = entities.split(inputs.graph.entity_counts)
        movie_bias = {
            entity_type: DEGREE_LR_MULTIPLIER * factor * inputs.movie_degrees[entity_type]
            for entity_type, factor in self.movie_popularity.items()
        }
        entity_bias = {
            entity_type: DEGREE_LR_MULTIPLIER * factor * inputs.entity_degrees[entity_type]
            for entity_type, factor in self.entity_popularity.items()
        }
        return DotProductDecoder(
            movies,
            dict(zip(inputs.graph.entity_types, entities_by_type, strict=True)),
            dict(self.weights),
            movie_bias,
            entity_bias,
            inputs.matmul_dtype,
        )


def init_near_identity(sage: HeteroSage) -> None:
    """Scale the weight matrices down, add the identity, and set the biases to 0.

    Messages then start out as the neighbours' features. With random weights alone, a person's features as
    director and as writer would start out unrelated.
    """
    with torch.no_grad():
        for weight in sage.parameters():
            if weight.ndim == 2:
                weight.mul_(INIT_NOISE).add_(torch.eye(*weight.shape))
            else:
                weight.zero_()


def _standardize(
    features: Float32[Tensor, "nodes dim"], fitted: Float32[Tensor, "fitted dim"]
) -> Float32[Tensor, "nodes dim"]:
    mean = fitted.mean(dim=0)
    scale = (fitted - mean).square().mean().sqrt().clamp_min(MIN_SCALE)
    return (features - mean) / scale


def _log_degrees(ends: Tensor, n_nodes: int) -> Float32[Tensor, " nodes"]:
    return torch.bincount(ends, minlength=n_nodes).float().log1p()

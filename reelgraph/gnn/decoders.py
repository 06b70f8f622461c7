"""Decoders: how a model scores edges from node embeddings, for all pairs or for a list of pairs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float32, Int64
from torch import Tensor

from reelgraph.gnn.chunked_linear import linear
from reelgraph.gnn.sparse import pair_dots, row_offsets

MIN_SQUARED_DISTANCE = 1e-9
"""Lower bound of a squared distance, because the square root has no gradient at 0."""

Rows = Int64[Tensor, " rows"]


@dataclass(frozen=True)
class NodeSide:
    """Embeddings and biases of the nodes on one side of a relation."""

    vectors: Float32[Tensor, "nodes dim"]
    bias: Float32[Tensor, " nodes"]


class Decoder(ABC):
    """Scores of the edges of one graph; a higher score is a likelier edge."""

    matmul_dtype: torch.dtype
    """dtype of the factors of dot products."""

    @abstractmethod
    def sides(self, entity_type: str) -> tuple[NodeSide, NodeSide]:
        """Return the movies' side of a relation, and the entities' side."""

    @abstractmethod
    def combine(self, dots: Tensor, bias: Tensor, other_bias: Tensor) -> Tensor:
        """Return scores, given dot products and the biases of both sides, which broadcast."""

    def score_all(self, queries: NodeSide, candidates: NodeSide, rows: Rows) -> Float32[Tensor, "rows nodes"]:
        """Return the score of some nodes of one side with each node of the other side.

        Args:
            queries: one side, as ``sides`` returns it.
            candidates: the other side.
            rows: nodes of ``queries``.
        """
        dots = linear(queries.vectors[rows], candidates.vectors, dtype=self.matmul_dtype)
        return self.combine(dots, queries.bias[rows].unsqueeze(1), candidates.bias)

    def score_pairs(
        self, movie_side: NodeSide, entity_side: NodeSide, movies: Rows, entities: Rows
    ) -> Float32[Tensor, " rows"]:
        """Return the score of each pair of a movie and an entity.

        Args:
            movie_side: movies' side, as ``sides`` returns it.
            entity_side: entities' side.
            movies: row of each pair's movie.
            entities: row of each pair's entity.
        """
        sorted_movies, order = movies.int().sort(stable=True)
        offsets = row_offsets(sorted_movies, len(movie_side.vectors))
        dots = pair_dots(movie_side.vectors, entity_side.vectors, offsets, entities[order])
        return self.combine(dots[order.argsort()], movie_side.bias[movies], entity_side.bias[entities])


@dataclass(frozen=True)
class DotProductDecoder(Decoder):
    """Score ``movie · (weight ∘ entity) + movie bias + entity bias``, with weights per relation.

    With constant biases this is DistMult (Yang et al. 2015).
    """

    movies: Float32[Tensor, "movies dim"]
    entities: Mapping[str, Float32[Tensor, "_ dim"]]
    weights: Mapping[str, Float32[Tensor, " dim"]]
    movie_bias: Mapping[str, Float32[Tensor, " movies"]]
    entity_bias: Mapping[str, Float32[Tensor, " _"]]
    matmul_dtype: torch.dtype = torch.float32

    def sides(self, entity_type: str) -> tuple[NodeSide, NodeSide]:
        """Return the movies' side, and the entities' side multiplied by the weights."""
        weighted = self.weights[entity_type] * self.entities[entity_type]
        movie_side = NodeSide(self.movies, self.movie_bias[entity_type])
        return movie_side, NodeSide(weighted, self.entity_bias[entity_type])

    def combine(self, dots: Tensor, bias: Tensor, other_bias: Tensor) -> Tensor:
        """Return the sum."""
        return dots + bias + other_bias


def unbiased_dot_product(
    movies: Float32[Tensor, "movies dim"],
    entities: Mapping[str, Float32[Tensor, "_ dim"]],
    weights: Mapping[str, Float32[Tensor, " dim"]],
    matmul_dtype: torch.dtype = torch.float32,
) -> DotProductDecoder:
    """Return a decoder whose scores are weighted dot products without biases."""
    movie_bias = dict.fromkeys(entities, movies.new_zeros(len(movies)))
    entity_bias = {entity_type: movies.new_zeros(len(vectors)) for entity_type, vectors in entities.items()}
    return DotProductDecoder(movies, entities, weights, movie_bias, entity_bias, matmul_dtype)


@dataclass(frozen=True)
class TransEDecoder(Decoder):
    """Score ``−scale · ‖movie + translation − entity‖`` (Bordes et al. 2013)."""

    movies: Float32[Tensor, "movies dim"]
    entities: Mapping[str, Float32[Tensor, "_ dim"]]
    translations: Mapping[str, Float32[Tensor, " dim"]]
    scale: Float32[Tensor, ""]
    matmul_dtype: torch.dtype = torch.float32

    def sides(self, entity_type: str) -> tuple[NodeSide, NodeSide]:
        """Return both sides, scaled; the bias of a node is its squared norm."""
        translated = self.scale * (self.movies + self.translations[entity_type])
        entities = self.scale * self.entities[entity_type]
        movie_side = NodeSide(translated, translated.square().sum(dim=1))
        return movie_side, NodeSide(entities, entities.square().sum(dim=1))

    def combine(self, dots: Tensor, bias: Tensor, other_bias: Tensor) -> Tensor:
        """Return the negative distance."""
        return -(bias + other_bias - 2 * dots).clamp_min(MIN_SQUARED_DISTANCE).sqrt()

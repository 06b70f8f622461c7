"""How a model scores edges, once it has a vector for each node: a table of all pairs, or a list of pairs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

from jaxtyping import Float32, Int64
from torch import Tensor

from reelgraph.gnn.chunked_linear import linear
from reelgraph.gnn.sparse import pair_dots, row_offsets

ALL_NODES = slice(None)
"""All movies, or all entities of a type."""

MIN_SQUARED_DISTANCE = 1e-9
"""Of a squared distance: the root has no slope at 0."""

Rows = Int64[Tensor, " rows"]
Movies = Int64[Tensor, " m"] | slice
Entities = Int64[Tensor, " e"] | slice


@dataclass(frozen=True)
class NodeSide:
    """What the nodes at one end of a relation bring into their scores."""

    vectors: Float32[Tensor, "nodes dim"]
    bias: Float32[Tensor, " nodes"]


class Decoder(ABC):
    """What a model makes of one graph; higher is likelier."""

    @abstractmethod
    def ends(self, kind: str) -> tuple[NodeSide, NodeSide]:
        """Return the movies' end of a relation, and the entities'."""

    @abstractmethod
    def joined(self, dots: Tensor, one: Tensor, other: Tensor) -> Tensor:
        """Return scores, of a table or a list: from dot products, the one end's bias and the other's."""

    def table(self, kind: str, movies: Movies, entities: Entities) -> Float32[Tensor, "m e"]:
        """Score each of these movies with each of these entities."""
        one, other = self.ends(kind)
        dots = linear(one.vectors[movies], other.vectors[entities])
        return self.joined(dots, one.bias[movies].unsqueeze(1), other.bias[entities])

    def pairs(self, one: NodeSide, other: NodeSide, movies: Rows, entities: Rows) -> Float32[Tensor, " rows"]:
        """Score one movie of the movies' end with one entity of the other in each row."""
        ordered, order = movies.int().sort(stable=True)
        dots = pair_dots(one.vectors, other.vectors, row_offsets(ordered, len(one.vectors)), entities[order])
        return self.joined(dots[order.argsort()], one.bias[movies], other.bias[entities])


@dataclass(frozen=True)
class DotProductDecoder(Decoder):
    """``movie · (weight ∘ entity) + bias of the movie + bias of the entity``."""

    movies: Float32[Tensor, "movies dim"]
    entities: Mapping[str, Float32[Tensor, "_ dim"]]
    weights: Mapping[str, Float32[Tensor, " dim"]]
    movie_bias: Mapping[str, Float32[Tensor, " movies"]]
    entity_bias: Mapping[str, Float32[Tensor, " _"]]

    def ends(self, kind: str) -> tuple[NodeSide, NodeSide]:
        """Return the movies' end of a relation, and the entities', which has the weights."""
        weighted = self.weights[kind] * self.entities[kind]
        return NodeSide(self.movies, self.movie_bias[kind]), NodeSide(weighted, self.entity_bias[kind])

    def joined(self, dots: Tensor, one: Tensor, other: Tensor) -> Tensor:
        """Return the sum."""
        return dots + one + other


def unbiased_dot_product(
    movies: Float32[Tensor, "movies dim"],
    entities: Mapping[str, Float32[Tensor, "_ dim"]],
    weights: Mapping[str, Float32[Tensor, " dim"]],
) -> DotProductDecoder:
    """Return scores that are weighted dot products, nothing else."""
    nothing = {kind: movies.new_zeros(len(of_kind)) for kind, of_kind in entities.items()}
    return DotProductDecoder(
        movies, entities, weights, dict.fromkeys(entities, movies.new_zeros(len(movies))), nothing
    )


@dataclass(frozen=True)
class TransEDecoder(Decoder):
    """``−scale · ‖movie + step − entity‖``."""

    movies: Float32[Tensor, "movies dim"]
    entities: Mapping[str, Float32[Tensor, "_ dim"]]
    steps: Mapping[str, Float32[Tensor, " dim"]]
    scale: Float32[Tensor, ""]

    def ends(self, kind: str) -> tuple[NodeSide, NodeSide]:
        """Return the scaled ends, whose bias is the square of their length."""
        moved, goals = self.scale * (self.movies + self.steps[kind]), self.scale * self.entities[kind]
        return NodeSide(moved, moved.square().sum(dim=1)), NodeSide(goals, goals.square().sum(dim=1))

    def joined(self, dots: Tensor, one: Tensor, other: Tensor) -> Tensor:
        """Return the distance below 0."""
        return -(one + other - 2 * dots).clamp_min(MIN_SQUARED_DISTANCE).sqrt()

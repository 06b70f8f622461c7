"""How a model scores edges, once it has a vector for each node: a table of all pairs, or a list of pairs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from jaxtyping import Float32, Int64
from torch import Tensor

from reelgraph.gnn.dense import linear

EVERY = slice(None)
"""All movies, or all entities of a type."""

Rows = Int64[Tensor, " rows"]
Movies = Int64[Tensor, " m"] | slice
Entities = Int64[Tensor, " e"] | slice


@runtime_checkable
class Scores(Protocol):
    """What a model makes of one graph; higher is likelier."""

    def table(self, kind: str, movies: Movies, entities: Entities) -> Float32[Tensor, "m e"]:
        """Score each of these movies with each of these entities."""

    def pairs(self, kind: str, movies: Rows, entities: Rows) -> Float32[Tensor, " rows"]:
        """Score one movie with one entity in each row."""


@dataclass(frozen=True)
class Dots:
    """``movie · (weight ∘ entity) + bias of the movie + bias of the entity``."""

    movies: Float32[Tensor, "movies dim"]
    entities: Mapping[str, Float32[Tensor, "_ dim"]]
    weights: Mapping[str, Float32[Tensor, " dim"]]
    movie_bias: Mapping[str, Float32[Tensor, " movies"]]
    entity_bias: Mapping[str, Float32[Tensor, " _"]]

    def table(self, kind: str, movies: Movies, entities: Entities) -> Float32[Tensor, "m e"]:
        """Score each of these movies with each of these entities."""
        dots = linear(self.movies[movies], self.weights[kind] * self.entities[kind][entities])
        return dots + self.movie_bias[kind][movies].unsqueeze(1) + self.entity_bias[kind][entities]

    def pairs(self, kind: str, movies: Rows, entities: Rows) -> Float32[Tensor, " rows"]:
        """Score one movie with one entity in each row."""
        dots = (self.movies[movies] * self.weights[kind] * self.entities[kind][entities]).sum(dim=1)
        return dots + self.movie_bias[kind][movies] + self.entity_bias[kind][entities]


def without_bias(
    movies: Float32[Tensor, "movies dim"],
    entities: Mapping[str, Float32[Tensor, "_ dim"]],
    weights: Mapping[str, Float32[Tensor, " dim"]],
) -> Dots:
    """Return scores that are weighted dot products, nothing else."""
    nothing = {kind: movies.new_zeros(len(of_kind)) for kind, of_kind in entities.items()}
    return Dots(movies, entities, weights, dict.fromkeys(entities, movies.new_zeros(len(movies))), nothing)


@dataclass(frozen=True)
class Distances:
    """``−scale · ‖movie + step − entity‖``."""

    movies: Float32[Tensor, "movies dim"]
    entities: Mapping[str, Float32[Tensor, "_ dim"]]
    steps: Mapping[str, Float32[Tensor, " dim"]]
    scale: Float32[Tensor, ""]

    def table(self, kind: str, movies: Movies, entities: Entities) -> Float32[Tensor, "m e"]:
        """Score each of these movies with each of these entities."""
        moved, goals = self.movies[movies] + self.steps[kind], self.entities[kind][entities]
        dots = linear(2 * moved, goals)
        squares = moved.square().sum(dim=1, keepdim=True) + goals.square().sum(dim=1) - dots
        return -self.scale * squares.clamp_min(SMALLEST).sqrt()

    def pairs(self, kind: str, movies: Rows, entities: Rows) -> Float32[Tensor, " rows"]:
        """Score one movie with one entity in each row."""
        gaps = self.movies[movies] + self.steps[kind] - self.entities[kind][entities]
        return -self.scale * gaps.square().sum(dim=1).clamp_min(SMALLEST).sqrt()


SMALLEST = 1e-9
"""Of a squared distance: the root has no slope at 0."""

"""The graph network that predicts links: GraphSAGE vectors, a decoder for each relation, popularity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Float32
from torch import Tensor, nn
from torch_geometric.data import HeteroData

from reelgraph.gnn.dense import rounded
from reelgraph.gnn.sage import HeteroSage, StarGraph, star_graph
from reelgraph.gnn.scores import Dots

FIRST_WEIGHT = 0.1
"""Of the vectors' dot product in a score, which starts out as popularity."""

NOISE = 0.1
"""Share of PyTorch's own random weights in the first weights, which are near the identity."""

PACE = 10.0
"""Popularity is learned this many times as fast as the vectors: it takes few epochs, they overfit in many."""

SMALLEST = 1e-12
"""Of a scale that is divided by: features may all be alike."""


@dataclass(frozen=True)
class Messages:
    """A message graph with its features, made ready once."""

    graph: StarGraph
    movies: Float[Tensor, "movies movie_dim"]
    entities: Float[Tensor, "entities entity_dim"]
    means: Float[Tensor, "entities movie_dim"]
    """Of the features of an entity's movies."""
    movie_degrees: Mapping[str, Float32[Tensor, " movies"]]
    """Entity type → log(1 + edges of this type)."""
    entity_degrees: Mapping[str, Float32[Tensor, " _"]]

    def rounded(self) -> Messages:
        """Return them as products read them, so that no pass rounds features again."""
        movies, entities, means = (rounded(each) for each in (self.movies, self.entities, self.means))
        return replace(self, movies=movies, entities=entities, means=means)


def messages(data: HeteroData) -> Messages:
    """Centre the features of each node type, bring them to one scale, and average them once."""
    graph = star_graph(data)
    movies = _even(data["movie"].x)
    entities = torch.cat([_even(data[kind].x) for kind in graph.kinds])
    edges = {kind: data["movie", f"has_{kind}", kind].edge_index for kind in graph.kinds}
    degrees = [
        {
            kind: _log_degrees(edge[end], data[kind if end else "movie"].num_nodes)
            for kind, edge in edges.items()
        }
        for end in (0, 1)
    ]
    return Messages(graph, movies, entities, graph.into_entities @ movies, *degrees)


class LinkPredictor(nn.Module):
    """Movie and entity vectors, and scores ``weight ∘ movie · entity + popularity`` for each relation.

    Popularity is a learned share of log(1 + degree) in the message graph, of both ends: an entity that
    many movies have is likelier, and a movie that already has a director is less likely to have another.
    """

    def __init__(
        self, kinds: tuple[str, ...], movie_dim: int, entity_dim: int, hidden: int, out: int, dropped: float
    ):
        """Draw the weights from torch's global generator."""
        super().__init__()
        self.kinds = kinds
        self.shape = {"movie_dim": movie_dim, "entity_dim": entity_dim, "hidden": hidden, "out": out,
                      "dropped": dropped}  # fmt: skip
        self.sage = HeteroSage(kinds, movie_dim, entity_dim, hidden, out, normalised=True, dropped=dropped)
        start_near_identity(self.sage)
        self.weights = nn.ParameterDict({kind: torch.full((out,), FIRST_WEIGHT) for kind in kinds})
        self.of_entity = nn.ParameterDict({kind: torch.tensor(1 / PACE) for kind in kinds})
        self.of_movie = nn.ParameterDict({kind: torch.tensor(0.0) for kind in kinds})

    def forward(self, given: Messages) -> Dots:
        """Return the scores over a message graph."""
        movies, entities = self.sage(given.graph, given.movies, given.entities, given.means)
        parts = entities.split(given.graph.sizes)
        return Dots(
            movies,
            dict(zip(given.graph.kinds, parts, strict=True)),
            dict(self.weights),
            {kind: PACE * share * given.movie_degrees[kind] for kind, share in self.of_movie.items()},
            {kind: PACE * share * given.entity_degrees[kind] for kind, share in self.of_entity.items()},
        )


def start_near_identity(sage: HeteroSage) -> None:
    """Add the identity to every weight matrix, so that messages start out as what neighbours are.

    With random weights the same name as a director and as a writer starts out as two unrelated vectors.
    """
    with torch.no_grad():
        for weight in sage.parameters():
            if weight.ndim == 2:
                weight.mul_(NOISE).add_(torch.eye(*weight.shape))
            else:
                weight.zero_()


def _even(features: Float32[Tensor, "nodes dim"]) -> Float32[Tensor, "nodes dim"]:
    centred = features - features.mean(dim=0)
    return centred / centred.square().mean().sqrt().clamp_min(SMALLEST)


def _log_degrees(ends: Tensor, nodes: int) -> Float32[Tensor, " nodes"]:
    return torch.bincount(ends, minlength=nodes).float().log1p()

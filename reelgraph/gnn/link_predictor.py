"""The graph network that predicts links: GraphSAGE vectors, a decoder for each relation, popularity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Float32
from torch import Tensor, nn
from torch_geometric.data import HeteroData

from reelgraph.gnn.chunked_linear import to_matmul_dtype
from reelgraph.gnn.decoders import DotProductDecoder
from reelgraph.gnn.sage import BipartiteCsr, HeteroSage, build_bipartite_csr

FIRST_WEIGHT = 0.1
"""Of the vectors' dot product in a score, which starts out as popularity."""

NOISE = 0.1
"""Share of PyTorch's own random weights in the first weights, which are near the identity."""

PACE = 10.0
"""Popularity is learned this many times as fast as the vectors: it takes few epochs, they overfit in many."""

MIN_SCALE = 1e-12
"""Of a scale that is divided by: features may all be alike."""


@dataclass(frozen=True)
class GnnInputs:
    """A message graph with its features, made ready once."""

    graph: BipartiteCsr
    movies: Float[Tensor, "movies movie_dim"]
    entities: Float[Tensor, "entities entity_dim"]
    means: Float[Tensor, "entities movie_dim"]
    """Of the features of an entity's movies."""
    movie_degrees: Mapping[str, Float32[Tensor, " movies"]]
    """Entity type → log(1 + edges of this type)."""
    entity_degrees: Mapping[str, Float32[Tensor, " _"]]

    def rounded(self) -> GnnInputs:
        """Return them as products read them, so that no pass rounds features again."""
        movies, entities, means = (to_matmul_dtype(each) for each in (self.movies, self.entities, self.means))
        return replace(self, movies=movies, entities=entities, means=means)


def prepare_inputs(data: HeteroData) -> GnnInputs:
    """Centre the features of each node type, bring them to one scale, and average them once."""
    graph = build_bipartite_csr(data)
    movies = _even(data["movie"].x)
    entities = torch.cat([_even(data[kind].x) for kind in graph.entity_types])
    edges = {kind: data["movie", f"has_{kind}", kind].edge_index for kind in graph.entity_types}
    degrees = [
        {
            kind: _log_degrees(edge[end], data[kind if end else "movie"].num_nodes)
            for kind, edge in edges.items()
        }
        for end in (0, 1)
    ]
    return GnnInputs(graph, movies, entities, graph.to_entities @ movies, *degrees)


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

    def forward(self, given: GnnInputs) -> DotProductDecoder:
        """Return the scores over a message graph."""
        movies, entities = self.sage(given.graph, given.movies, given.entities, given.means)
        parts = entities.split(given.graph.entity_counts)
        return DotProductDecoder(
            movies,
            dict(zip(given.graph.entity_types, parts, strict=True)),
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
    return centred / centred.square().mean().sqrt().clamp_min(MIN_SCALE)


def _log_degrees(ends: Tensor, nodes: int) -> Float32[Tensor, " nodes"]:
    return torch.bincount(ends, minlength=nodes).float().log1p()

"""What the graph network has to beat: popularity, likeness of features, and two models of edges alone."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from jaxtyping import Float32
from torch import nn
from torch.nn.functional import normalize
from torch_geometric.nn.kge import DistMult, TransE

from reelgraph.gnn.predictor import Messages
from reelgraph.gnn.scores import Distances, Dots, without_bias
from reelgraph.schemas.kg import KnowledgeGraph

EDGE_MODELS = {"distmult": DistMult, "transe": partial(TransE, p_norm=2.0)}
"""Yang et al. 2015, "Embedding Entities and Relations for Learning and Inference in Knowledge Bases";
Bordes et al. 2013, "Translating Embeddings for Modeling Multi-relational Data"."""

LEARNING_RATE = 0.01
"""Adam's, of both: their best on validation links."""

FIRST_SCALE = 10.0
"""Of TransE's distances, which are 2 at most, as logits; it is learned. Ranks don't depend on it."""


def popularity(graph: KnowledgeGraph) -> Dots:
    """Score a node by its number of edges, whatever the other end: an entity's movies, a movie's entities."""
    of_movie = torch.zeros(len(graph.movie_ids))
    entities, of_entity = {}, {}
    for kind, relation in graph.relations.items():
        of_movie += torch.bincount(torch.tensor(relation.movie_rows), minlength=len(of_movie))
        size = len(relation.names)
        of_entity[kind] = torch.bincount(torch.tensor(relation.entities), minlength=size).float()
        entities[kind] = torch.zeros(size, 0)
    nothing = dict.fromkeys(entities, torch.zeros(0))
    return Dots(
        torch.zeros(len(of_movie), 0), entities, nothing, dict.fromkeys(entities, of_movie), of_entity
    )


def cosine(graph: KnowledgeGraph, features: Float32[np.ndarray, "movies dim"]) -> Dots:
    """Score by the cosine of the input features; movies and names have to have one dimension."""
    movies = normalize(torch.tensor(features))
    entities = {kind: normalize(torch.tensor(r.vectors)) for kind, r in graph.relations.items()}
    return without_bias(movies, entities, dict.fromkeys(entities, torch.ones(movies.shape[1])))


class EdgeModel(nn.Module):
    """A model of PyTorch Geometric's, with a vector for each node and a score that knows no other node."""

    def __init__(self, name: str, kinds: tuple[str, ...], movies: int, sizes: tuple[int, ...], dim: int):
        """Draw the vectors from torch's global generator.

        Args:
            name: of ``EDGE_MODELS``.
            kinds: entity types.
            movies: how many.
            sizes: entities of each type.
            dim: of all vectors.
        """
        super().__init__()
        self.kinds, self.sizes = kinds, (movies, *sizes)
        self.inner = EDGE_MODELS[name](sum(self.sizes), len(kinds), dim)
        self.scale = nn.Parameter(torch.tensor(FIRST_SCALE)) if name == "transe" else None

    def forward(self, _: Messages | None = None) -> Dots | Distances:
        """Return the scores, whatever the message graph."""
        nodes, relations = (
            self.inner.node_emb.weight,
            dict(zip(self.kinds, self.inner.rel_emb.weight, strict=True)),
        )
        movies, *parts = (nodes if self.scale is None else normalize(nodes)).split(self.sizes)
        entities = dict(zip(self.kinds, parts, strict=True))
        if self.scale is None:
            return without_bias(movies, entities, relations)
        return Distances(movies, entities, relations, self.scale)

"""The knowledge graph as PyTorch Geometric knows it."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float32
from torch_geometric.data import HeteroData

from reelgraph.schemas.kg import KnowledgeGraph


def to_hetero(graph: KnowledgeGraph, movie_features: Float32[np.ndarray, "movies dim"]) -> HeteroData:
    """Return node features ``x`` and edges in both directions.

    Edge types are ``(movie, has_X, X)`` and ``(X, has_X_rev, movie)``, in the order
    of the graph's relations; a relation's edges keep their order by movie row.
    """
    data = HeteroData()
    data["movie"].x = torch.tensor(movie_features)
    for kind, relation in graph.relations.items():
        edges = torch.tensor(np.stack([relation.movie_rows, relation.entities]))
        data[kind].x = torch.tensor(relation.vectors)
        data["movie", f"has_{kind}", kind].edge_index = edges
        data[kind, f"has_{kind}_rev", "movie"].edge_index = edges.flip(0).contiguous()
    return data

"""train_gnn in a plain implementation: HeteroConv of SAGEConv, BPR on every edge (docs/reference.md)."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid
from torch_geometric.data import HeteroData
from torch_geometric.nn import HeteroConv, SAGEConv

LEARNING_RATE = 0.01


class Reference(nn.Module):
    """Two layers; results of edge types into one node type are averaged."""

    def __init__(self, data: HeteroData, hidden: int, out: int) -> None:
        super().__init__()
        self.first, self.second = self._layer(data, None, hidden), self._layer(data, hidden, out)

    @staticmethod
    def _layer(data: HeteroData, dim: int | None, out: int) -> HeteroConv:
        convs = {}
        for source, name, target in data.edge_types:
            dims = (dim or data[source].x.shape[1], dim or data[target].x.shape[1])
            convs[source, name, target] = SAGEConv(dims, out)
        return HeteroConv(convs, aggr="mean")

    def forward(self, data: HeteroData) -> dict[str, Tensor]:
        """Return the vectors of each node type."""
        hidden = {kind: x.relu() for kind, x in self.first(data.x_dict, data.edge_index_dict).items()}
        return self.second(hidden, data.edge_index_dict)


def bpr_loss(vectors: dict[str, Tensor], edges: HeteroData, negatives: dict[str, Tensor]) -> Tensor:
    """Return −log σ(positive − negative), mean per edge type, summed over types."""
    total = torch.zeros(())
    for kind, negative in negatives.items():
        movies, entities = edges["movie", f"has_{kind}", kind].edge_index
        positive_score = (vectors["movie"][movies] * vectors[kind][entities]).sum(dim=1)
        negative_score = (vectors["movie"][movies] * vectors[kind][negative]).sum(dim=1)
        total = total - logsigmoid(positive_score - negative_score).mean()
    return total


def draw(edges: HeteroData) -> dict[str, Tensor]:
    """Draw an entity of the same type for every movie→entity edge, uniformly."""
    kinds = [kind for kind in edges.node_types if kind != "movie"]
    return {
        kind: torch.randint(edges[kind].num_nodes, edges["movie", f"has_{kind}", kind].edge_index.shape[1:])
        for kind in kinds
    }


def epochs(model: Reference, data: HeteroData, edges: HeteroData) -> Iterator[float]:
    """Train, one full batch after another; yield the loss of each.

    Args:
        model: trained in place.
        data: what messages pass over.
        edges: has the edges that are predicted.
    """
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    while True:
        loss = bpr_loss(model(data), edges, draw(edges))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        yield loss.item()

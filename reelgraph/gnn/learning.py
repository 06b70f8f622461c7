"""The project's own training of the GNN, on all edges: what the movie embeddings are made with."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float32

from reelgraph.core.seeds import derive
from reelgraph.gnn.fitting import fit
from reelgraph.gnn.hetero import to_hetero
from reelgraph.gnn.precision import products_in
from reelgraph.gnn.predictor import LinkPredictor, Messages, messages
from reelgraph.gnn.tasks import task
from reelgraph.gnn.training import Trained, finite
from reelgraph.params.gnn import Gnn
from reelgraph.runtime.checkpointing import State
from reelgraph.schemas.kg import KnowledgeGraph


def learn(
    graph: KnowledgeGraph, features: Float32[np.ndarray, "movies dim"], params: Gnn, epochs: int, seed: int,
    state: State | None = None,
) -> Trained:  # fmt: skip
    """Pass messages over every edge, predict every edge, and return the movies' vectors.

    No score of links is taken of this run: it has seen them all.

    Args:
        graph: all edges.
        features: of the movies.
        params: sizes, learning rate, precision.
        epochs: as many as predicted held-out links best.
        seed: of this run's weights and draws.
        state: where to go on from.
    """
    given = messages(to_hetero(graph, features))
    model = new_predictor(given, params, seed)
    with products_in(params.precision):
        every = task(graph, graph, graph)
        fitted = fit(model, given, every, None, epochs, params.learning_rate, derive(seed, "draws"), state)
    with torch.inference_mode():
        return Trained(model, finite(model(given).movies.cpu().numpy(), epochs), fitted.losses)


def new_predictor(given: Messages, params: Gnn, seed: int) -> LinkPredictor:
    """Return the untrained network."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive(seed, "weights"))
        with torch.device("cpu"):
            model = LinkPredictor(
                given.graph.kinds, given.movies.shape[1], given.entities.shape[1],
                params.hidden_dim, params.out_dim, params.dropout,
            )  # fmt: skip
    return model.to(torch.get_default_device())

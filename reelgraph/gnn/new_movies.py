"""Embeddings of movies that the GNN was not trained on: one forward pass over the graph that has them."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float32

from reelgraph.core.schemas.kg import KnowledgeGraph
from reelgraph.gnn.bpr import sage_inputs
from reelgraph.gnn.link_predictor import LinkPredictor, prepare_inputs
from reelgraph.gnn.sage import HeteroSage, to_hetero_data
from reelgraph.runtime.errors import ArtifactError


@torch.inference_mode()
def embed_new_movies(
    model: HeteroSage | LinkPredictor,
    fitted: KnowledgeGraph,
    graph: KnowledgeGraph,
    features: Float32[np.ndarray, "movies dim"],
) -> Float32[np.ndarray, "new out"]:
    """Return the embeddings of the movies after those of ``fitted``.

    GraphSAGE is inductive: its weights belong to no node (Hamilton et al. 2017).

    Args:
        model: trained on ``fitted``.
        fitted: the graph without the new movies.
        graph: the same movies and relations, then the new movies; further entities may be anywhere.
        features: of the movies of ``graph``, scaled as in training.

    Raises:
        ArtifactError: the model is of a graph with other relations.
    """
    if model.entity_types != tuple(graph.relations):
        raise ArtifactError("data/gnn", f"a model of the relations {', '.join(graph.relations)}",
                            ", ".join(model.entity_types), "Run `dvc repro`.")  # fmt: skip
    n_fitted = len(fitted.movie_ids)
    data = to_hetero_data(graph, features)
    if isinstance(model, LinkPredictor):
        embeddings = model(prepare_inputs(data, to_hetero_data(fitted, features[:n_fitted]))).movies
    else:
        embeddings = model(*sage_inputs(data))[0]
    return embeddings[n_fitted:].numpy()

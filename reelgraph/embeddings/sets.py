"""The sets of movie vectors that are compared, and the random control beside them."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32

from reelgraph.core.seeds import generator

SETS = {
    "text": "data/text_vectors.parquet",
    "projected": "data/movie_features.parquet",
    "kg_gnn": "data/emb_kg_gnn.parquet",
    "kg_gnn_bert": "data/emb_kg_gnn_bert.parquet",
}
"""Name → file. ``random`` is made, of the dimension of kg_gnn_bert."""


def random_vectors(movies: int, dim: int, seed: int) -> Float32[np.ndarray, "movies dim"]:
    """Return a standard normal vector a movie: the control that knows nothing.

    Args:
        movies: how many.
        dim: of each.
        seed: root seed.
    """
    return generator(seed, "embeddings/random").standard_normal((movies, dim), np.float32)

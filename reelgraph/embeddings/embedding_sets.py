"""The sets of movie vectors that are compared, and the random control beside them."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from jaxtyping import Float32, Float64

from reelgraph.core.seeds import generator

EMBEDDING_FILES = {
    "text": "data/text_vectors.parquet",
    "projected": "data/movie_features.parquet",
    "kg_gnn": "data/emb_kg_gnn.parquet",
    "kg_gnn_bert": "data/emb_kg_gnn_bert.parquet",
}
"""Name → file. ``random`` is made, of the dimension of kg_gnn_bert."""


def random_embeddings(movies: int, dim: int, seed: int) -> Float32[np.ndarray, "movies dim"]:
    """Return a standard normal vector a movie: the control that knows nothing.

    Args:
        movies: how many.
        dim: of each.
        seed: root seed.
    """
    return generator(seed, "embeddings/random").standard_normal((movies, dim), np.float32)


Postprocessing = Literal["raw", "centred", "top_removed", "whitened"]
POSTPROCESSINGS: tuple[Postprocessing, ...] = ("raw", "centred", "top_removed", "whitened")

ROUNDING = 1e-6
"""Differences of this share of the largest number are rounding of float32, not differences."""
SMALLEST = 1e-9
"""Share of the largest variance below which a direction counts as none, for the same reason."""

Rows = Float64[np.ndarray, "movies dim"]


def postprocess(vectors: Rows, treatment: Postprocessing) -> Rows:
    """Return the vectors after a treatment.

    ``raw``: as they are. ``centred``: minus their mean. ``top_removed``: centred, without the leading
    principal components, ``top_components`` of them (all-but-the-top, Mu & Viswanath 2018). ``whitened``:
    centred, of variance 1 in every direction that varies (ZCA: the whitening that moves vectors least).
    Vectors that are all one vector become 0 by all but the first.
    """
    if treatment == "raw":
        return vectors
    centred = vectors - vectors.mean(axis=0)
    if np.abs(centred).max() <= ROUNDING * np.abs(vectors).max():
        return np.zeros_like(vectors)
    if treatment == "centred":
        return centred
    rows = torch.from_numpy(centred)
    variance, axes = torch.linalg.eigh(rows.T @ rows / len(rows))
    if treatment == "top_removed":
        top = axes[:, -top_components(vectors.shape[1]) :]
        return (rows - rows @ top @ top.T).numpy()
    kept = variance > SMALLEST * variance[-1]
    return (rows @ (axes[:, kept] / variance[kept].sqrt()) @ axes[:, kept].T).numpy()


def top_components(dim: int) -> int:
    """Return how many components ``top_removed`` removes: dim / 100 (the paper's rule), at least 1."""
    return max(1, round(dim / 100))

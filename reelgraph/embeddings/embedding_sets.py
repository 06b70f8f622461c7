"""The movie embedding sets to compare, a random control, and postprocessing of embeddings."""

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
"""Name → file. The set ``random`` is generated, with the dimension of kg_gnn_bert."""

Postprocessing = Literal["raw", "centred", "top_removed", "whitened"]
POSTPROCESSINGS: tuple[Postprocessing, ...] = ("raw", "centred", "top_removed", "whitened")

CONSTANT_TOLERANCE = 1e-6
"""Vectors that differ by less than this fraction of the largest number are equal, up to float32 rounding."""
MIN_VARIANCE_FRACTION = 1e-9
"""Directions with less than this fraction of the largest variance are rounding, and are not whitened."""

Vectors = Float64[np.ndarray, "movies dim"]


def random_embeddings(n_movies: int, dim: int, seed: int) -> Float32[np.ndarray, "movies dim"]:
    """Return standard normal vectors, a control without information.

    Args:
        n_movies: number of vectors.
        dim: dimension of each vector.
        seed: root seed.
    """
    return generator(seed, "embeddings/random").standard_normal((n_movies, dim), np.float32)


def postprocess(vectors: Vectors, method: Postprocessing) -> Vectors:
    """Return the vectors after postprocessing.

    - ``raw``: unchanged.
    - ``centred``: minus their mean.
    - ``top_removed``: centred, without the ``n_top_components`` leading principal components
      (all-but-the-top, Mu and Viswanath 2018).
    - ``whitened``: centred, with variance 1 in every direction that varies (ZCA whitening).

    If all vectors are equal, every method but ``raw`` returns zeros. So does ``top_removed``, if few distinct
    vectors have no further component.
    """
    if method == "raw":
        return vectors
    centred = vectors - vectors.mean(axis=0)
    if np.abs(centred).max() <= CONSTANT_TOLERANCE * np.abs(vectors).max():
        return np.zeros_like(vectors)
    if method == "centred":
        return centred
    rows = torch.from_numpy(centred)
    variance, axes = torch.linalg.eigh(rows.T @ rows / len(rows))
    if method == "top_removed":
        top = axes[:, -n_top_components(vectors.shape[1]) :]
        remainder = (rows - rows @ top @ top.T).numpy()
        is_rounding = np.abs(remainder).max() <= CONSTANT_TOLERANCE * np.abs(vectors).max()
        return np.zeros_like(vectors) if is_rounding else remainder
    varies = variance > MIN_VARIANCE_FRACTION * variance[-1]
    return (rows @ (axes[:, varies] / variance[varies].sqrt()) @ axes[:, varies].T).numpy()


def n_top_components(dim: int) -> int:
    """Return how many components ``top_removed`` removes: dim / 100 (the paper's rule), at least 1."""
    return max(1, round(dim / 100))

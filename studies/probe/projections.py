"""Projections of the text vectors to fewer dimensions, to compare with the pipeline's own."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float32

from reelgraph.core.seeds import generator

PCA_DIMS = (32, 300)
ORTHOGONAL_DIM = 300


def text_projections(
    text: Float32[np.ndarray, "movies text_dim"], seed: int
) -> dict[str, Float32[np.ndarray, "movies _"]]:
    """Return the leading principal components and a random subspace of the text vectors.

    Args:
        text: text vectors, one row per movie.
        seed: root seed of the random subspace.

    Returns:
        ``pca_32``, ``pca_300`` and ``orthogonal_300``, named by their dimension.
    """
    rows = torch.from_numpy(text.astype(np.float64))
    centred = rows - rows.mean(dim=0)
    axes = torch.linalg.eigh(centred.T @ centred)[1].flip(1)
    projections = {f"pca_{dim}": (centred @ axes[:, :dim]).float().numpy() for dim in PCA_DIMS}
    square = generator(seed, "probe/orthogonal").standard_normal((text.shape[1], text.shape[1]))
    orthogonal = np.linalg.qr(square)[0][:, :ORTHOGONAL_DIM]
    projections[f"orthogonal_{ORTHOGONAL_DIM}"] = (text @ orthogonal).astype(np.float32)
    return projections

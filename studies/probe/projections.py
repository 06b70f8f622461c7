"""Other ways to bring text vectors to fewer dimensions, to hold the project's own against."""

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
    """Return pca_32 and pca_300, the leading principal components, and orthogonal_300, a random subspace.

    Args:
        text: text vectors, one row a movie.
        seed: root seed, of the subspace.
    """
    rows = torch.from_numpy(text.astype(np.float64))
    centred = rows - rows.mean(dim=0)
    axes = torch.linalg.eigh(centred.T @ centred)[1].flip(1)
    found = {f"pca_{dim}": (centred @ axes[:, :dim]).float().numpy() for dim in PCA_DIMS}
    square = generator(seed, "probe/orthogonal").standard_normal((text.shape[1], text.shape[1]))
    turned = np.linalg.qr(square)[0][:, :ORTHOGONAL_DIM]
    found[f"orthogonal_{ORTHOGONAL_DIM}"] = (text @ turned).astype(np.float32)
    return found

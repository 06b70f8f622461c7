"""Random projection of text embeddings to the dimension of the entity embeddings."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float32
from torch import nn


def project(
    vectors: Float32[np.ndarray, "movies text_dim"], dim: int, seed: int
) -> Float32[np.ndarray, "movies dim"]:
    """Return LayerNorm(W x) with a random, untrained W.

    The layer is constructed after seeding, and its weight is then drawn again (Xavier uniform), as in the
    reference (docs/reference.md, project). The state of torch's generator is restored.

    Args:
        vectors: one text embedding per movie.
        dim: dimension of the result.
        seed: 42 in the reference.
    """
    with torch.random.fork_rng(devices=[]), torch.inference_mode():
        torch.manual_seed(seed)
        linear = nn.Linear(vectors.shape[1], dim)
        nn.init.xavier_uniform_(linear.weight)
        nn.init.zeros_(linear.bias)
        norm = nn.LayerNorm(dim, eps=1e-5)
        return norm(linear(torch.tensor(vectors))).numpy()

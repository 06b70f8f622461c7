"""A fixed random projection of text vectors to the dimension of the entity vectors."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float32
from torch import nn


def project(
    vectors: Float32[np.ndarray, "movies text_dim"], dim: int, seed: int
) -> Float32[np.ndarray, "movies dim"]:
    """Return LayerNorm(W x) with a random, never trained W.

    The layer is constructed after seeding and its weight then drawn again, Xavier-uniform, so that
    the numbers are the reference's (SPEC, project); torch's generator is left as it was.

    Args:
        vectors: one row a movie.
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

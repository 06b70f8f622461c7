"""Singular values: how many of its dimensions a set of vectors uses, and how evenly."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float64


def singular_values(vectors: Float64[np.ndarray, "movies dim"]) -> Float64[np.ndarray, " dim"]:
    """Return the singular values of the matrix as it is, not centred; largest first, ``dim`` of them.

    They are the roots of the Gram matrix's eigenvalues, exact to about 1e-8 of the largest.
    """
    rows = torch.from_numpy(vectors)
    squares = torch.linalg.eigvalsh(rows.T @ rows).flip(0)
    return squares.clamp(min=0).sqrt().numpy()


def effective_rank(values: Float64[np.ndarray, " dim"]) -> float:
    """Return exp of the entropy of singular values that sum to 1 (Roy & Vetterli 2007); 0 if all are 0."""
    if not values.any():
        return 0.0
    shares = values[values > 0] / values.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))


def isoscore(vectors: Float64[np.ndarray, "movies dim"]) -> float:
    """Return IsoScore (Rudman et al. 2022): 1 if all dimensions vary alike, 0 if only one does.

    With d dimensions and the variances λ along the principal axes, scaled to a norm of √d, the defect is
    δ = |λ − 1| / √(2 (d − √d)), the share of dimensions in use φ = (d − δ² (d − √d))² / d², the score
    (d φ − 1) / (d − 1). Vectors that do not vary score 0, those of one dimension 1.
    """
    spread = singular_values(vectors - vectors.mean(axis=0)) ** 2
    size, dim = np.linalg.norm(spread), len(spread)
    if size == 0 or dim == 1:
        return float(size > 0)
    scaled = spread * dim**0.5 / size
    defect = np.linalg.norm(scaled - 1) / (2 * (dim - dim**0.5)) ** 0.5
    used = (dim - defect**2 * (dim - dim**0.5)) ** 2 / dim**2
    return float((dim * used - 1) / (dim - 1))

"""Isotropy of embeddings: cosines of random pairs, effective rank and IsoScore."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float64

from reelgraph.runtime.atomic_io import RERUN_HINT
from reelgraph.runtime.errors import ArtifactError

MIN_NORM = 1e-10
"""Shorter vectors have no direction and are ignored."""
CHUNK = 1 << 14

UnitVectors = Float64[np.ndarray, "nonzero dim"]


def unit_vectors(vectors: np.ndarray, where: str = "vectors") -> UnitVectors:
    """Return the vectors longer than ``MIN_NORM``, normalized, in float64.

    Args:
        vectors: one per row.
        where: name of the vectors in the error.

    Raises:
        ArtifactError: no vector is longer than ``MIN_NORM``.
    """
    double = vectors.astype(np.float64)
    norms = np.linalg.norm(double, axis=1)
    nonzero = norms > MIN_NORM
    if not nonzero.any():
        raise ArtifactError(where, f"a vector with a norm above {MIN_NORM}", "none", RERUN_HINT)
    return double[nonzero] / norms[nonzero, None]


def isotropy_statistics(unit: UnitVectors, n_pairs: int, seed: int) -> dict[str, float]:
    """Return the five statistics of docs/reference.md (train_gnn), and uniformity over the same pairs.

    ``anisotropy`` is the norm of the mean unit vector. ``pair_cos_*`` are the mean, population std, 5th and
    95th percentile of the cosines of random pairs. ``uniformity`` is log E exp(−2 |u − v|²) (Wang and Isola
    2020): 0 if all vectors are equal, about −4 at best.

    Args:
        unit: unit vectors.
        n_pairs: random pairs; 50,000 in the reference.
        seed: of the pairs; 42 in the reference.
    """
    cosines = _pair_cosines(unit, n_pairs, seed)
    p5, p95 = np.percentile(cosines, [5, 95])
    return {
        "anisotropy": float(np.linalg.norm(unit.mean(axis=0))),
        "pair_cos_mean": float(cosines.mean()),
        "pair_cos_std": float(cosines.std()),
        "pair_cos_p5": float(p5),
        "pair_cos_p95": float(p95),
        "uniformity": float(np.log(np.exp(4 * cosines - 4).mean())),
    }


def _pair_cosines(unit: UnitVectors, n_pairs: int, seed: int) -> Float64[np.ndarray, " pairs"]:
    """Sample all first members, then all second ones; a second equal to the first becomes the next row."""
    rng = np.random.default_rng(seed)
    first = rng.integers(0, len(unit), n_pairs)
    second = rng.integers(0, len(unit), n_pairs)
    second = np.where(first == second, (second + 1) % len(unit), second)
    cosines = np.empty(n_pairs)
    for start in range(0, n_pairs, CHUNK):
        chunk = slice(start, start + CHUNK)
        cosines[chunk] = np.einsum("pd,pd->p", unit[first[chunk]], unit[second[chunk]])
    return cosines


def singular_values(vectors: Float64[np.ndarray, "movies dim"]) -> Float64[np.ndarray, " dim"]:
    """Return the ``dim`` singular values of the uncentered matrix, largest first.

    They are square roots of the eigenvalues of the Gram matrix, exact to about 1e-8 of the largest.
    """
    rows = torch.from_numpy(vectors)
    squares = torch.linalg.eigvalsh(rows.T @ rows).flip(0)
    return squares.clamp(min=0).sqrt().numpy()


def effective_rank(values: Float64[np.ndarray, " dim"]) -> float:
    """Return exp of the entropy of the normalized singular values (Roy and Vetterli 2007); 0 if all are 0."""
    if not values.any():
        return 0.0
    fractions = values[values > 0] / values.sum()
    return float(np.exp(-(fractions * np.log(fractions)).sum()))


def isoscore(vectors: Float64[np.ndarray, "movies dim"]) -> float:
    """Return IsoScore (Rudman et al. 2022): 1 if all dimensions vary equally, 0 if only one does.

    Given d dimensions and the variances λ along the principal axes, scaled to a norm of √d, the defect is
    δ = |λ − 1| / √(2 (d − √d)). The fraction of dimensions in use is φ = (d − δ² (d − √d))² / d², and the
    score is (d φ − 1) / (d − 1). Constant vectors score 0; vectors of one dimension score 1.
    """
    variances = singular_values(vectors - vectors.mean(axis=0)) ** 2
    norm = np.linalg.norm(variances)
    dim = len(variances)
    if norm == 0 or dim == 1:
        return float(norm > 0)
    scaled = variances * dim**0.5 / norm
    defect = np.linalg.norm(scaled - 1) / (2 * (dim - dim**0.5)) ** 0.5
    fraction = (dim - defect**2 * (dim - dim**0.5)) ** 2 / dim**2
    return float((dim * fraction - 1) / (dim - 1))

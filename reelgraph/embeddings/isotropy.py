"""Directions and random pairs: whether vectors point everywhere, or all the same way."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float64

from reelgraph.runtime.atomic_io import RERUN_HINT
from reelgraph.runtime.errors import ArtifactError

MIN_NORM = 1e-10
"""Shorter vectors have no direction and are left out."""
CHUNK = 1 << 14

Units = Float64[np.ndarray, "kept dim"]


def unit_vectors(vectors: np.ndarray, where: str = "vectors") -> Units:
    """Return the vectors that have a direction, at length 1, in float64.

    Raises:
        ArtifactError: no vector is longer than ``MIN_NORM``.
    """
    wide = vectors.astype(np.float64)
    norms = np.linalg.norm(wide, axis=1)
    kept = norms > MIN_NORM
    if not kept.any():
        raise ArtifactError(where, f"a vector with a norm above {MIN_NORM}", "none", RERUN_HINT)
    return wide[kept] / norms[kept, None]


def isotropy_statistics(unit: Units, pairs: int, seed: int) -> dict[str, float]:
    """Return the SPEC's five statistics (train_gnn), and uniformity over the same pairs.

    ``anisotropy`` is the norm of the mean of the unit vectors; ``pair_cos_*`` are mean, population
    deviation, 5th and 95th percentile of the pairs' cosines; ``uniformity`` is log E exp(−2 |u − v|²)
    (Wang & Isola 2020): 0 if all vectors are one, about −4 at best.

    Args:
        unit: unit vectors.
        pairs: random pairs; 50,000 in the reference.
        seed: of the pairs; 42 in the reference.
    """
    cosines = _pair_cosines(unit, pairs, seed)
    low, high = np.percentile(cosines, [5, 95])
    return {
        "anisotropy": float(np.linalg.norm(unit.mean(axis=0))),
        "pair_cos_mean": float(cosines.mean()),
        "pair_cos_std": float(cosines.std()),
        "pair_cos_p5": float(low),
        "pair_cos_p95": float(high),
        "uniformity": float(np.log(np.exp(4 * cosines - 4).mean())),
    }


def _pair_cosines(unit: Units, pairs: int, seed: int) -> Float64[np.ndarray, " pairs"]:
    """Draw all first members, then all second; where equal, the second is the next one (SPEC, train_gnn)."""
    rng = np.random.default_rng(seed)
    first, second = rng.integers(0, len(unit), pairs), rng.integers(0, len(unit), pairs)
    second = np.where(first == second, (second + 1) % len(unit), second)
    cosines = np.empty(pairs)
    for start in range(0, pairs, CHUNK):
        part = slice(start, start + CHUNK)
        cosines[part] = np.einsum("pd,pd->p", unit[first[part]], unit[second[part]])
    return cosines


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

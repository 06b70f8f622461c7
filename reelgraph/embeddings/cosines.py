"""Directions and random pairs: whether vectors point everywhere, or all the same way."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64

from reelgraph.runtime.atomic_io import RERUN
from reelgraph.runtime.errors import ArtifactError

MIN_NORM = 1e-10
"""Shorter vectors have no direction and are left out."""
CHUNK = 1 << 14

Units = Float64[np.ndarray, "kept dim"]


def units(vectors: np.ndarray, where: str = "vectors") -> Units:
    """Return the vectors that have a direction, at length 1, in float64.

    Raises:
        ArtifactError: no vector is longer than ``MIN_NORM``.
    """
    wide = vectors.astype(np.float64)
    norms = np.linalg.norm(wide, axis=1)
    kept = norms > MIN_NORM
    if not kept.any():
        raise ArtifactError(where, f"a vector with a norm above {MIN_NORM}", "none", RERUN)
    return wide[kept] / norms[kept, None]


def pair_statistics(unit: Units, pairs: int, seed: int) -> dict[str, float]:
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

"""Five statistics that tell whether vectors point everywhere or all the same way."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, Float64

from reelgraph.errors import ArtifactError
from reelgraph.files import RERUN

MIN_NORM = 1e-10
"""Shorter vectors have no direction and are left out."""
CHUNK = 1 << 14


def statistics(
    vectors: Float32[np.ndarray, "movies dim"], pairs: int, seed: int, where: str = "vectors"
) -> dict[str, float]:
    """Return anisotropy, and mean, population deviation, 5th and 95th percentile of pair cosines.

    Args:
        vectors: one row a movie.
        pairs: random pairs; 50,000 in the reference.
        seed: of the pairs; 42 in the reference.
        where: names the vectors in the error.

    Raises:
        ArtifactError: no vector is longer than ``MIN_NORM``.
    """
    units = _units(vectors, where)
    cosines = _pair_cosines(units, pairs, seed)
    low, high = np.percentile(cosines, [5, 95])
    return {
        "anisotropy": float(np.linalg.norm(units.mean(axis=0))),
        "pair_cos_mean": float(cosines.mean()),
        "pair_cos_std": float(cosines.std()),
        "pair_cos_p5": float(low),
        "pair_cos_p95": float(high),
    }


def _units(vectors: np.ndarray, where: str) -> Float64[np.ndarray, "kept dim"]:
    wide = vectors.astype(np.float64)
    norms = np.linalg.norm(wide, axis=1)
    kept = norms > MIN_NORM
    if not kept.any():
        raise ArtifactError(where, f"a vector with a norm above {MIN_NORM}", "none", RERUN)
    return wide[kept] / norms[kept, None]


def _pair_cosines(units: np.ndarray, pairs: int, seed: int) -> Float64[np.ndarray, " pairs"]:
    """Draw all first members, then all second; where equal, the second is the next one (SPEC, train_gnn)."""
    rng = np.random.default_rng(seed)
    first, second = rng.integers(0, len(units), pairs), rng.integers(0, len(units), pairs)
    second = np.where(first == second, (second + 1) % len(units), second)
    cosines = np.empty(pairs)
    for start in range(0, pairs, CHUNK):
        part = slice(start, start + CHUNK)
        cosines[part] = np.einsum("pd,pd->p", units[first[part]], units[second[part]])
    return cosines

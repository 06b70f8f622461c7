"""One root seed, a stream of random numbers for each use, derived by name."""

from __future__ import annotations

import hashlib

import numpy as np
from jaxtyping import Int64


def derive_seed(root: int, name: str) -> int:
    """Return a seed in [0, 2**63) for the stream ``name`` of the root seed.

    Streams of different names are independent, and adding one changes no other.
    """
    digest = hashlib.sha256(f"{root}/{name}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def generator(root: int, name: str) -> np.random.Generator:
    """Return NumPy's generator for the stream ``name``."""
    return np.random.default_rng(derive_seed(root, name))


def subsample(
    values: Int64[np.ndarray, " all"], max_count: int, rng: np.random.Generator
) -> Int64[np.ndarray, " subsample"]:
    """Return all values, or, where there are more, ``most`` of them, drawn without replacement, in order."""
    return values if len(values) <= max_count else np.sort(rng.choice(values, max_count, replace=False))

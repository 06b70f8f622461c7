"""Random numbers: one root seed, from which an independent seed is derived by name for every use."""

from __future__ import annotations

import hashlib

import numpy as np
from jaxtyping import Int64


def derive_seed(root: int, name: str) -> int:
    """Return the seed ``name`` of the root seed, in [0, 2**63).

    Seeds of different names are independent, and adding a name changes no other seed.
    """
    digest = hashlib.sha256(f"{root}/{name}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def generator(root: int, name: str) -> np.random.Generator:
    """Return NumPy's generator with the seed ``name`` of the root seed."""
    return np.random.default_rng(derive_seed(root, name))


def subsample(
    values: Int64[np.ndarray, " all"], max_count: int, rng: np.random.Generator
) -> Int64[np.ndarray, " subset"]:
    """Return all values, or, of more than ``max_count``, a random subset of that size in ascending order."""
    return values if len(values) <= max_count else np.sort(rng.choice(values, max_count, replace=False))

"""One root seed, a stream of random numbers for each use, derived by name."""

from __future__ import annotations

import hashlib

import numpy as np


def derive(root: int, name: str) -> int:
    """Return a seed in [0, 2**63) for the stream ``name`` of the root seed.

    Streams of different names are independent, and adding one changes no other.
    """
    digest = hashlib.sha256(f"{root}/{name}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def generator(root: int, name: str) -> np.random.Generator:
    """Return NumPy's generator for the stream ``name``."""
    return np.random.default_rng(derive(root, name))

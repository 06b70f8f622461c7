"""Params of stage embeddings."""

from __future__ import annotations

from pydantic import Field

from reelgraph.params.base import Section, Seed, StageParams
from reelgraph.params.compute import Compute


class Embeddings(Section):
    """Section ``embeddings``."""

    pairs: int = Field(ge=1, le=100_000_000)
    """Random pairs of movies whose cosine is measured, 1 to 100,000,000."""

    pair_seed: Seed
    """Seed of the pairs and of the queries; 42 in the reference."""

    queries: int = Field(ge=1, le=100_000_000)
    """Movies whose neighbours are searched, drawn at random where there are more, 1 to 100,000,000."""


class EmbeddingsParams(StageParams):
    """What stage embeddings reads."""

    seed: Seed
    embeddings: Embeddings
    compute: Compute

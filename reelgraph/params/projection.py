"""Params of stage project."""

from __future__ import annotations

from pydantic import Field

from reelgraph.params.base import Section, Seed, StageParams
from reelgraph.params.compute import Compute


class Projection(Section):
    """Section ``projection``."""

    dim: int = Field(ge=1, le=4096)
    """Dimension of the movie features, 1 to 4096."""

    seed: Seed
    """Seed of the layer's weights; 42 in the reference."""


class ProjectionParams(StageParams):
    """What stage project reads."""

    projection: Projection
    compute: Compute

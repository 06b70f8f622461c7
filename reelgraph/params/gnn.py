"""Params of stage train_gnn."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from reelgraph.params.base import Section, Seed, StageParams
from reelgraph.params.compute import Compute


class Gnn(Section):
    """Section ``gnn``."""

    hidden_dim: int = Field(ge=1, le=4096)
    """Dimension between the layers, 1 to 4096."""

    out_dim: int = Field(ge=1, le=4096)
    """Dimension of the movie embeddings, 1 to 4096."""

    epochs: int = Field(ge=1, le=10_000)
    """Full-batch passes, 1 to 10,000."""

    learning_rate: float = Field(gt=0, le=1)
    """Adam's step size, above 0, at most 1."""

    precision: Literal["float32", "bfloat16"]
    """Of the factors of matrix products; sums are float32. bfloat16: where the CPU has it, else float32."""


class GnnParams(StageParams):
    """What stage train_gnn reads."""

    seed: Seed
    gnn: Gnn
    compute: Compute

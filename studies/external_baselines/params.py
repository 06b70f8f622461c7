"""Params of stage peer."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from reelgraph.params.base import Seed, StageParams
from reelgraph.params.evaluation import Evaluate

EXTERNAL_BASELINES_FILE = "studies/external_baselines/params.yaml"


class ExternalBaselineParams(StageParams):
    """What stage peer reads."""

    external_baselines: dict[str, dict[str, Any]] = Field(min_length=1)
    """Modules of reelgraph/baselines/external/ by name, with the fields of their ``Params``."""


class ExternalBaselineTableParams(StageParams):
    """What stage peers reads."""

    seed: Seed
    evaluate: Evaluate
    external_baselines: dict[str, dict[str, Any]]

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
    """Peers to compare with: files of reelgraph/baselines/external/, and what the ``Params`` of each takes."""


class ExternalBaselineTableParams(StageParams):
    """What stage peers reads."""

    seed: Seed
    evaluate: Evaluate
    external_baselines: dict[str, dict[str, Any]]

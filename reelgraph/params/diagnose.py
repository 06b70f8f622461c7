"""Params of stage diagnose."""

from __future__ import annotations

from typing import Any

from reelgraph.params.base import Seed, StageParams
from reelgraph.params.compute import Compute
from reelgraph.params.evaluate import Evaluate


class DiagnoseParams(StageParams):
    """What stage diagnose reads."""

    seed: Seed
    baselines: dict[str, dict[str, Any]]
    evaluate: Evaluate
    compute: Compute

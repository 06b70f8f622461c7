"""Params of stage map."""

from __future__ import annotations

from reelgraph.params.base import Seed, StageParams
from reelgraph.params.compute import Compute


class MapParams(StageParams):
    """What stage map reads."""

    seed: Seed
    compute: Compute

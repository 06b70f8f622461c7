"""Params of stage filter."""

from __future__ import annotations

from reelgraph.params.base import StageParams
from reelgraph.params.engine import Engine


class FilterParams(StageParams):
    """What stage filter reads."""

    engine: Engine

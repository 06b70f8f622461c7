"""Params of stage ranking."""

from __future__ import annotations

from reelgraph.params.base import Seed, StageParams
from reelgraph.params.evaluate import Evaluate


class RankingParams(StageParams):
    """What stage ranking reads."""

    seed: Seed
    evaluate: Evaluate

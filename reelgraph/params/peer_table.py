"""Params of stage peers, which gathers them."""

from __future__ import annotations

from typing import Any

from reelgraph.params.base import Seed, StageParams
from reelgraph.params.evaluate import Evaluate


class PeersParams(StageParams):
    """What stage peers reads."""

    seed: Seed
    evaluate: Evaluate
    peers: dict[str, dict[str, Any]]

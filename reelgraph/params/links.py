"""Params of stage links."""

from __future__ import annotations

from reelgraph.params.base import Seed, StageParams
from reelgraph.params.compute import Compute
from reelgraph.params.gnn import Gnn
from reelgraph.params.kg import Kg


class LinksParams(StageParams):
    """What stage links reads."""

    seed: Seed
    kg: Kg
    gnn: Gnn
    compute: Compute

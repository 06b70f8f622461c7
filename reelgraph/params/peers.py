"""Params of stage peer."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from reelgraph.params.base import StageParams

PEERS_FILE = "studies/peers/params.yaml"


class PeerParams(StageParams):
    """What stage peer reads."""

    peers: dict[str, dict[str, Any]] = Field(min_length=1)
    """Peers to compare with: files of reelgraph/baselines/external/, and what the ``Params`` of each takes."""

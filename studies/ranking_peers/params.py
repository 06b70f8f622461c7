"""Params of the ranking peers: studies/ranking_peers/params.yaml."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from reelgraph.params.base import Seed, StageParams
from reelgraph.params.evaluation import Evaluate

RANKING_PEERS_FILE = "studies/ranking_peers/params.yaml"
Values = Annotated[list[Any], Field(min_length=1)]


class RankingPeersParams(StageParams):
    """Params of the study."""

    seed: Seed
    evaluate: Evaluate
    ranking_peers: dict[str, dict[str, Values]] = Field(min_length=1)
    """Ranker → param → the values to choose from."""

"""Params of the stages that fit and evaluate rankers."""

from __future__ import annotations

from typing import Any

from reelgraph.params.base import Compute, Seed, StageParams
from reelgraph.params.evaluation import Evaluate

Rankers = dict[str, dict[str, Any]]
"""Ranker → its params. The name is that of a module in reelgraph/rankers/, which has ``Params``."""


class TrainRankerParams(StageParams):
    """Params of stage train_ranker."""

    seed: Seed
    rankers: Rankers
    evaluate: Evaluate


class EvaluateRankingParams(StageParams):
    """Params of stage evaluate_ranking."""

    seed: Seed
    rankers: Rankers
    evaluate: Evaluate
    compute: Compute

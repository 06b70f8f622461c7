"""Params of the baselines, of the rankers, and of all stages that evaluate."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from reelgraph.params.base import Compute, Section, Seed, StageParams
from reelgraph.params.data import Data

Rankers = dict[str, dict[str, Any]]
"""Ranker → its params. The name is that of a module in reelgraph/rankers/, which has ``Params``."""


class Evaluate(Section):
    """Section ``evaluate``."""

    fit: Literal["train", "train_val"]
    """Rows that models are fitted on for the test error. Validation errors are always of training rows."""

    examples: int = Field(ge=0, le=10_000)
    """Test targets shown with their history, 0 to 10,000; and half as many of the worst and the best
    predictions."""

    ranking_users: int = Field(ge=1, le=1_000_000)
    """Users for whom all movies are ranked, 1 to 1,000,000: a random sample of those with test targets."""


class BaselineParams(StageParams):
    """Params of stage baselines."""

    baselines: dict[str, dict[str, Any]] = Field(min_length=1)
    """Baseline → its params. The name is that of a module in reelgraph/baselines/, which has ``Params``."""


class EvaluateParams(StageParams):
    """Params of stage evaluate."""

    seed: Seed
    data: Data
    baselines: dict[str, dict[str, Any]]
    rankers: Rankers
    evaluate: Evaluate
    compute: Compute


class TrainRankerParams(StageParams):
    """Params of stage train_ranker."""

    seed: Seed
    rankers: Rankers
    evaluate: Evaluate
    compute: Compute

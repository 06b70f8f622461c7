"""Params of stage evaluate."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from reelgraph.params.base import Compute, Section, Seed, StageParams
from reelgraph.params.data import Data


class Evaluate(Section):
    """Section ``evaluate``."""

    fit: Literal["train", "train_val"]
    """Rows that a model is fitted on whose test error counts; both errors are reported."""

    examples: int = Field(ge=0, le=10_000)
    """Test users shown with their history, 0 to 10,000."""

    ranking_users: int = Field(ge=1, le=1_000_000)
    """Users for whom all movies are ranked, drawn at random from those with a high test rating."""


class EvaluateParams(StageParams):
    """What stage evaluate reads."""

    seed: Seed
    data: Data
    baselines: dict[str, dict[str, Any]]
    evaluate: Evaluate
    compute: Compute


class BaselineParams(StageParams):
    """What stage baseline reads."""

    baselines: dict[str, dict[str, Any]] = Field(min_length=1)
    """Baselines to compare with: files of reelgraph/baselines/, and what the ``Params`` of each takes."""


class ErrorAnalysisParams(StageParams):
    """What stage error_analysis reads."""

    seed: Seed
    baselines: dict[str, dict[str, Any]]
    evaluate: Evaluate
    compute: Compute


class EvaluateRankingParams(StageParams):
    """What stage evaluate_ranking reads."""

    seed: Seed
    evaluate: Evaluate

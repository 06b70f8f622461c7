"""Params of stage baseline."""

from __future__ import annotations

from pydantic import Field

from reelgraph.params.base import Section, StageParams


class Baselines(Section):
    """Section ``baselines``."""

    names: list[str] = Field(min_length=1)
    """Baselines to compare with: names of files in reelgraph/baselines/."""

    recent: int = Field(ge=1, le=100_000)
    """Ratings of the history that recent_mean averages, 1 to 100,000."""


class BaselineParams(StageParams):
    """What stage baseline reads."""

    baselines: Baselines

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

    movie_damping: float = Field(gt=0)
    """Ratings that a movie's effect of 0 is worth beforehand, above 0."""

    user_damping: float = Field(gt=0)
    """The same of a person's."""

    recent_decay: float = Field(ge=0, le=1)
    """Weight of a residual against that of the next newer one, 0 to 1."""

    recent_damping: float = Field(gt=0)
    """Newest residuals that a recent effect of 0 is worth, above 0."""


class BaselineParams(StageParams):
    """What stage baseline reads."""

    baselines: Baselines

"""Params of stage baseline."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from reelgraph.params.base import StageParams


class BaselineParams(StageParams):
    """What stage baseline reads."""

    baselines: dict[str, dict[str, Any]] = Field(min_length=1)
    """Baselines to compare with: files of reelgraph/baselines/, and what the ``Params`` of each takes."""

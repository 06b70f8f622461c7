"""Params of the linear probe: studies/probe/params.yaml."""

from __future__ import annotations

from pydantic import Field

from reelgraph.params.base import Compute, Section, Seed, StageParams


class Probe(Section):
    """Section ``probe`` of the study's params."""

    users: int = Field(ge=1)
    """Users whose ratings are predicted, sampled at random, 1 or more."""

    context_length: int = Field(ge=2, le=4096)
    """Ratings in a window, 2 to 4096; time grows with the square."""


class ProbeParams(StageParams):
    """Params of the study."""

    seed: Seed
    probe: Probe
    compute: Compute

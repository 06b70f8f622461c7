"""Params of the probe of embeddings: studies/probe/params.yaml."""

from __future__ import annotations

from pydantic import Field

from reelgraph.params.base import Compute, Section, Seed, StageParams

PROBE_FILE = "studies/probe/params.yaml"


class Probe(Section):
    """Section ``probe`` of the study's params."""

    users: int = Field(ge=1)
    """People whose ratings are predicted, drawn at random where there are more, 1 or more."""

    context_length: int = Field(ge=2, le=4096)
    """Ratings of a person that are looked at together, 2 to 4096; cost grows with its square."""


class ProbeParams(StageParams):
    """What stage probe reads."""

    seed: Seed
    probe: Probe
    compute: Compute

"""Params of the probe of embeddings: studies/embeddings/params.yaml."""

from __future__ import annotations

from pydantic import Field

from reelgraph.params.base import Section, Seed, StageParams
from reelgraph.params.compute import Compute

PROBE_FILE = "studies/embeddings/params.yaml"


class Probe(Section):
    """Section ``probe`` of the study's params."""

    users: int = Field(ge=1)
    """People whose ratings are predicted, drawn at random where there are more, 1 or more."""

    window: int = Field(ge=2, le=4096)
    """Ratings of a person that are looked at together, 2 to 4096; cost grows with its square."""


class ProbeParams(StageParams):
    """What stage probe reads."""

    seed: Seed
    probe: Probe
    compute: Compute

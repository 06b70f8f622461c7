"""Params of stage make_sequences."""

from __future__ import annotations

from pydantic import Field

from reelgraph.params.base import Section, Seed, StageParams
from reelgraph.params.engine import Engine


class Sequences(Section):
    """Section ``sequences``."""

    min_history: int = Field(ge=0, le=100_000)
    """Ratings before the first target, 0 to 100,000."""

    train_targets: int = Field(ge=0, le=100_000)
    """Training targets a user at most, evenly spread; 0: every position is one."""

    test_last: int = Field(ge=1, le=100_000)
    """Last ratings of each user that are test targets, 1 to 100,000; the one before them validates."""

    sample_users: int = Field(ge=0)
    """Users drawn at random before any length rule; 0: all."""

    sample_seed: Seed
    """Seed of that draw; 42 in the reference."""


class SequencesParams(StageParams):
    """What stage make_sequences reads."""

    sequences: Sequences
    engine: Engine

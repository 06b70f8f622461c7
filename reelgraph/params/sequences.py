"""Params of stage make_sequences."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from reelgraph.params.base import Section, Seed, StageParams
from reelgraph.params.data import Engine


class Sequences(Section):
    """Section ``sequences``."""

    split: Literal["leave_last_out", "global_time", "predefined"]
    """leave_last_out: each user's last ratings test. global_time: one cut for all. given: by the source."""

    min_history: int = Field(ge=0, le=100_000)
    """Ratings before the first target, 0 to 100,000; with given, before the first training target."""

    train_targets: int = Field(ge=0, le=100_000)
    """Training targets a user at most, evenly spread; 0: every position is one."""

    n_test: int = Field(ge=1, le=100_000)
    """leave_last_out: last ratings of each user that test, 1 to 100,000; the one before them validates."""

    val_fraction: float = Field(gt=0, lt=1)
    """global_time: share of all ratings that lie between the cuts, above 0, below 1."""

    test_fraction: float = Field(gt=0, lt=1)
    """global_time: share of all ratings that lie behind the last cut; with val_fraction below 1."""

    sample_users: int = Field(ge=0)
    """Users drawn at random before any length rule; 0: all."""

    sample_seed: Seed
    """Seed of that draw; 42 in the reference."""

    @model_validator(mode="after")
    def _leaves_training_rows(self) -> Sequences:
        if self.val_fraction + self.test_fraction >= 1:
            raise ValueError("val_fraction and test_fraction whose sum is below 1")
        return self


class MakeSequencesParams(StageParams):
    """What stage make_sequences reads."""

    sequences: Sequences
    engine: Engine

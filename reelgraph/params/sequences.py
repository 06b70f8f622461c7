"""Params of stage make_sequences: targets, splits and sampling of users."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from reelgraph.params.base import Section, Seed, StageParams, invalid
from reelgraph.params.data import Engine


class Sequences(Section):
    """Section ``sequences``."""

    split: Literal["leave_last_out", "global_time", "given", "cold_movies", "new_movies"]
    """leave_last_out: each user's last ratings test. global_time: two cutoffs for all users. given: that
    of the source. cold_movies: random movies, held out with all their ratings. new_movies: those that were
    first rated after a time."""

    min_history: int = Field(ge=0, le=100_000)
    """Ratings before the first target, 0 to 100,000. With given, cold_movies and new_movies, before the first
    training target."""

    train_targets: int = Field(ge=0, le=100_000)
    """Maximum number of training targets per user, evenly spaced; 0: all."""

    n_test: int = Field(ge=1, le=100_000)
    """leave_last_out: test targets per user, 1 to 100,000; the rating before them is for validation."""

    val_fraction: float = Field(gt=0, lt=1)
    """global_time: fraction of all ratings between the two cutoffs. cold_movies, new_movies: fraction of the
    movies that validate. Above 0, below 1."""

    test_fraction: float = Field(gt=0, lt=1)
    """global_time: fraction of all ratings after the second cutoff. cold_movies, new_movies: fraction of the
    movies that test. With val_fraction below 1."""

    movie_seed: Seed
    """cold_movies: seed of the movies that are drawn."""

    sample_users: int = Field(ge=0)
    """Users in a random sample, taken before any rule on lengths; 0: all users."""

    sample_seed: Seed
    """Seed of that sample; 42 in the reference."""

    @model_validator(mode="after")
    def _leaves_training_rows(self) -> Sequences:
        if self.val_fraction + self.test_fraction >= 1:
            got = f"val_fraction {self.val_fraction}, test_fraction {self.test_fraction}"
            raise invalid("val_fraction and test_fraction whose sum is below 1", got)
        return self


class MakeSequencesParams(StageParams):
    """Params of stage make_sequences."""

    sequences: Sequences
    engine: Engine

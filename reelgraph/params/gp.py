"""Params of the Gaussian process rater."""

from __future__ import annotations

from pydantic import Field

from reelgraph.params.base import Section


class Gp(Section):
    """Section ``gp``; read with ``model.type: gp``."""

    factors: int = Field(ge=1, le=1024)
    """Learned dimensions of a movie, 1 to 1024."""

    tastes: int = Field(ge=1, le=256)
    """Dimensions of the Bayesian factorisation of the ratings, 1 to 256."""

    cowatch: int = Field(ge=1, le=1024)
    """Dimensions of what the same people watch, 1 to 1024."""

    window: int = Field(ge=2, le=4096)
    """Ratings of a person that are looked at together, 2 to 4096; cost grows with its square."""

    batch_size: int = Field(ge=1, le=100_000)
    """Windows a step, 1 to 100,000."""

    epochs: int = Field(ge=1, le=1000)
    """Passes over all training ratings, 1 to 1000."""

    most_ratings: int = Field(ge=1)
    """Ratings seen in all passes together at most, 1 or more; fewer than there are: a random part of them."""

    head_epochs: int = Field(ge=1, le=1000)
    """Passes when learning the half stars, 1 to 1000."""

    head_rows: int = Field(ge=1)
    """Ratings that the half stars are learned from at most, 1 or more."""

    heads: int = Field(ge=1, le=64)
    """Networks whose probabilities are averaged, 1 to 64."""

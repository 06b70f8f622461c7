"""Params of the generated data."""

from __future__ import annotations

from pydantic import Field

from reelgraph.params.base import Section


class Demo(Section):
    """Section ``demo``."""

    users: int = Field(ge=1, le=1_000_000)
    """People, 1 to 1,000,000."""

    movies: int = Field(ge=1, le=200_000)
    """Movies, 1 to 200,000."""

    mean_ratings: int = Field(ge=1, le=1_000)
    """Average number of ratings a person gives, 1 to 1,000, at most max_ratings and movies."""

    max_ratings: int = Field(ge=1, le=100_000)
    """Largest number of ratings of one person, 1 to 100,000."""

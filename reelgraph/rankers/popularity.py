"""Ranker: movies by their number of ratings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Int64

from reelgraph.params.base import Section
from reelgraph.rankers.ranker import RankerInputs, RankingQuery


class Params(Section):
    """Parameters of the ranker: none."""


class SameForAll:
    """A ranker whose order does not depend on the history."""

    def contributions(
        self, query: RankingQuery, movies: Int64[np.ndarray, " selected"]
    ) -> Float[np.ndarray, "selected history"]:
        """Return zeros: the history does not count."""
        return np.zeros((len(movies), len(query.history)), np.float32)


@dataclass(frozen=True)
class PopularityRanker(SameForAll):
    """The same order for all users."""

    count: Float32[np.ndarray, " movies"]
    """Number of ratings of each movie."""

    def score(self, query: RankingQuery) -> Float32[np.ndarray, " movies"]:
        """Return the number of ratings."""
        return self.count

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the numbers of ratings."""
        return {"count": self.count}


def fit(inputs: RankerInputs, params: Params) -> PopularityRanker:
    """Count the ratings."""
    ratings = inputs.ratings
    count = np.bincount(ratings.movie_row, minlength=ratings.n_movies)
    return PopularityRanker(count.astype(np.float32))


def restore(arrays: Mapping[str, np.ndarray]) -> PopularityRanker:
    """Build the ranker from its ``arrays``."""
    return PopularityRanker(arrays["count"])

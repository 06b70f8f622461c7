"""Ranker: movies by their number of ratings in the days before the query, then by that of all ratings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32
from pydantic import Field

from reelgraph.params.base import Section
from reelgraph.rankers.ranker import RankerInputs, RankingQuery
from reelgraph.rankers.rating_times import SECONDS_PER_DAY, RatingTimes, collect_times, restore_times


class Params(Section):
    """Parameters of the ranker."""

    days: float = Field(gt=0)
    """Length of the period before the query, in days, above 0."""


@dataclass(frozen=True)
class RecentPopularityRanker:
    """The same order for all users at one time."""

    times: RatingTimes
    days: float

    def score(self, query: RankingQuery) -> Float32[np.ndarray, " movies"]:
        """Return the number of recent ratings, plus the movie's fraction of all ratings."""
        end = self.times.last + 1 if query.time is None else query.time
        recent = self.times.count_between(end - self.days * SECONDS_PER_DAY, end)
        overall = self.times.count_between(-np.inf, np.inf)
        return (recent + overall / (overall.sum() + 1)).astype(np.float32)

    def contributions(self, query: RankingQuery, movie: int) -> Float[np.ndarray, " history"]:
        """Return zeros: the history does not count."""
        return np.zeros(len(query.history), np.float32)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the times and the number of days."""
        return {**self.times.arrays(), "days": np.array(self.days)}


def fit(inputs: RankerInputs, params: Params) -> RecentPopularityRanker:
    """Collect the times of the ratings."""
    return RecentPopularityRanker(collect_times(inputs.ratings), params.days)


def restore(arrays: Mapping[str, np.ndarray]) -> RecentPopularityRanker:
    """Build the ranker from its ``arrays``."""
    return RecentPopularityRanker(restore_times(arrays), float(arrays["days"]))

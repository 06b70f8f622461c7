"""Ranker: movies by their number of ratings in the days before the query, then by that of all ratings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from reelgraph.rankers.popularity import SameForAll
from reelgraph.rankers.ranker import RankerInputs, RankingQuery
from reelgraph.rankers.rating_times import (
    SECONDS_PER_DAY,
    RatingTimes,
    RecentPeriod,
    collect_times,
    restore_times,
)

Params = RecentPeriod


@dataclass(frozen=True)
class RecentPopularityRanker(SameForAll):
    """The same order for all users at one time."""

    times: RatingTimes
    days: float

    def score(self, query: RankingQuery) -> Float32[np.ndarray, " movies"]:
        """Return the number of recent ratings, plus the movie's fraction of all ratings."""
        end = self.times.time_of(query)
        recent = self.times.count_before(end) - self.times.count_before(end - self.days * SECONDS_PER_DAY)
        overall = self.times.count_all()
        return (recent + overall / (overall.sum() + 1)).astype(np.float32)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the times and the number of days."""
        return {**self.times.arrays(), "days": np.array(self.days)}


def fit(inputs: RankerInputs, params: Params) -> RecentPopularityRanker:
    """Collect the times of the ratings."""
    return RecentPopularityRanker(collect_times(inputs.ratings), params.days)


def restore(arrays: Mapping[str, np.ndarray]) -> RecentPopularityRanker:
    """Build the ranker from its ``arrays``."""
    return RecentPopularityRanker(restore_times(arrays), float(arrays["days"]))

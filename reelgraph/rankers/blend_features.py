"""The features of a movie that the blend combines: what users watch next, popularity, and content."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Float32

from reelgraph.rankers.item_weights import ItemWeightsRanker
from reelgraph.rankers.ranker import RankingQuery
from reelgraph.rankers.rating_times import SECONDS_PER_DAY, SECONDS_PER_YEAR, RatingTimes

UNIX_YEAR = 1970
FLOORS = {"next_movie": 1e-3, "last_movies": 1e-3, "ease": 1e-2}
"""Item scores are estimated probabilities; the logarithm is taken of at least this."""
POPULARITY_FEATURES = ("popularity", "recent_popularity", "earlier_popularity", "not_yet_rated", "age",
                       "years_since_release", "rarely_rated")  # fmt: skip
CONTENT_FEATURES = ("text_similarity", "year_distance")
FEATURES = (*FLOORS, *CONTENT_FEATURES, *POPULARITY_FEATURES)
"""Names of the features, in order."""

Features = Float32[np.ndarray, "movies features"]


@dataclass(frozen=True)
class BlendFeatures:
    """Computes the features of all movies for a query."""

    items: dict[str, ItemWeightsRanker]
    """Rankers by the names of ``FLOORS``."""
    times: RatingTimes
    text: Float32[np.ndarray, "movies text"]
    """Unit text vectors."""
    year: Float32[np.ndarray, " movies"]
    """Release years, without gaps."""
    days: float
    """Length of the period of recent popularity, in days."""

    def compute(self, query: RankingQuery) -> Features:
        """Return the features of all movies."""
        time = self.times.last + 1 if query.time is None else query.time
        items = [log_at_least(self.items[name].score(query), floor) for name, floor in FLOORS.items()]
        return np.column_stack([*items, *self._content(query), self.popularity_at(time)])

    def history_weights(self, query: RankingQuery) -> Float32[np.ndarray, " history"]:
        """Return the decayed weights of the history's movies in the content features; their sum is 1."""
        decay = self.items["next_movie"].decay
        weights = decay ** np.arange(len(query.history) - 1, -1, -1, dtype=np.float64)
        return (weights / weights.sum()).astype(np.float32)

    def _content(self, query: RankingQuery) -> tuple[Float32[np.ndarray, " movies"], ...]:
        if not len(query.history):
            return (np.zeros_like(self.year), np.zeros_like(self.year))
        weights = self.history_weights(query)
        similarity = self.text @ (weights @ self.text[query.history])
        distance = np.abs(self.year - weights @ self.year[query.history])
        return similarity, distance

    @cached_property
    def _first_times(self) -> Float[np.ndarray, " movies"]:
        return self.times.first_times()

    @cached_property
    def _overall(self) -> tuple[Float[np.ndarray, " movies"], Float[np.ndarray, " movies"]]:
        """Log number of ratings, and whether the item rankers do not score the movie."""
        count = self.times.count_between(-np.inf, np.inf)
        rarely = np.ones(len(count))
        rarely[self.items["ease"].movies] = 0
        return np.log1p(count), rarely

    def popularity_at(self, time: int) -> Features:
        """Return the features that depend on the time alone, in the order of ``POPULARITY_FEATURES``."""
        popularity, rarely = self._overall
        earlier = self.times.count_between(-np.inf, time)
        recent = self.times.count_between(time - self.days * SECONDS_PER_DAY, time)
        age = np.maximum(time - self._first_times, 0) / SECONDS_PER_YEAR
        released = np.maximum(UNIX_YEAR + time / SECONDS_PER_YEAR - self.year, 0)
        columns = [popularity, np.log1p(recent), np.log1p(earlier), earlier == 0, np.log1p(age),
                   np.log1p(released), rarely]  # fmt: skip
        return np.column_stack(columns).astype(np.float32)


def log_at_least(scores: Float32[np.ndarray, " movies"], floor: float) -> Float32[np.ndarray, " movies"]:
    """Return the logarithm of the scores, or of ``floor`` where they are lower."""
    return np.log(np.maximum(scores, np.float32(floor)))

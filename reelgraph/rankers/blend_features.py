"""The features of a movie that the blend combines: what users watch next, popularity, and content."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from jaxtyping import Float, Float32

from reelgraph.rankers.candidates import QueryFeatures
from reelgraph.rankers.content import ContentRanker
from reelgraph.rankers.item_weights import ItemWeightsRanker
from reelgraph.rankers.ranker import ALL, RankingQuery, SelectedRows
from reelgraph.rankers.rating_times import SECONDS_PER_DAY, SECONDS_PER_YEAR, RatingTimes

UNIX_YEAR = 1970
FLOORS = {"next_movie": 1e-3, "last_movie": 1e-3, "ease": 1e-2}
"""Item scores are estimated probabilities; the logarithm is taken of at least this."""
HISTORY_FEATURES = ("text_similarity", "year_distance", "popularity_distance")
TIME_FEATURES = ("popularity", "recent_popularity", "not_yet_rated", "age", "years_since_release",
                 "mean_stars", "rarely_rated")  # fmt: skip
FEATURES = (*FLOORS, *HISTORY_FEATURES, *TIME_FEATURES, "popularity_by_length", "unrated_score")
"""Names of the features, in order."""
NOT_NEGATIVE = tuple(FEATURES.index(name) for name in (*FLOORS, "text_similarity", "unrated_score"))
"""Columns of the features whose coefficients are not negative."""
CONTENT_FEATURES = [
    FEATURES.index(name) for name in ("text_similarity", "year_distance", "years_since_release")
]
"""Columns of the features of a movie's content. They are 0 for movies without ratings, whose
``unrated_score`` knows text and year: as these coefficients are those of rated movies."""

Features = Float32[np.ndarray, "selected features"]


@dataclass(frozen=True)
class BlendFeatures:
    """Computes the features of all movies for a query."""

    items: dict[str, ItemWeightsRanker]
    """Rankers by the names of ``FLOORS``."""
    content: ContentRanker
    """Its score is a feature of the movies without ratings."""
    times: RatingTimes
    text: Float32[np.ndarray, "movies text"]
    """Unit text vectors."""
    year: Float32[np.ndarray, " movies"]
    """Release years, without gaps."""
    mean_stars: Float32[np.ndarray, " movies"]
    """Damped mean rating."""
    days: float
    """Length of the period of recent popularity, in days."""
    last_decay: float
    """Decay of the history's weights in its mean popularity."""

    def compute(self, query: RankingQuery) -> Features:
        """Return the features of all movies."""
        return self.prepare(query).select(ALL)

    def prepare(self, query: RankingQuery) -> QueryFeatures:
        """Return what finds candidates with high scores: the item scores and the recent popularity."""
        items = [log_at_least(self.items[name].score(query), floor) for name, floor in FLOORS.items()]
        time = self.times.time_of(query)
        earlier = self.times.count_before(time)
        recent = earlier - self.times.count_before(time - self.days * SECONDS_PER_DAY)
        top = np.stack([*items, np.log1p(recent).astype(np.float32)]).T
        return QueryFeatures(top, partial(self._select, query, time, earlier, top))

    def _select(
        self,
        query: RankingQuery,
        time: int,
        earlier: Float[np.ndarray, " movies"],
        top: Float32[np.ndarray, "movies top"],
        movies: SelectedRows,
    ) -> Features:
        """Return the features of the movies, of which ``prepare`` has computed some."""
        *items, log_recent = top[movies].T
        popularity = np.log1p(earlier[movies])
        age = np.maximum(time - self._first_times[movies], 0) / SECONDS_PER_YEAR
        released = np.maximum(UNIX_YEAR + time / SECONDS_PER_YEAR - self.year[movies], 0)
        overall, rarely_rated = self._overall
        unrated = np.flatnonzero(overall[movies] == 0)
        unrated_score = np.zeros(len(popularity), np.float32)
        unrated_score[unrated] = self.content.score(query, np.arange(len(self.year))[movies][unrated])
        columns = [
            *items, *self._compare_history(query, movies), popularity, log_recent, earlier[movies] == 0,
            np.log1p(age), np.log1p(released), self.mean_stars[movies], rarely_rated[movies],
            popularity * np.log1p(len(query.history)), unrated_score,
        ]  # fmt: skip
        features = np.stack(columns, dtype=np.float32, casting="same_kind").T
        features[unrated[:, None], CONTENT_FEATURES] = 0
        return features

    def _compare_history(
        self, query: RankingQuery, movies: SelectedRows
    ) -> tuple[Float32[np.ndarray, " selected"], ...]:
        """Return the features of ``HISTORY_FEATURES``: 0 for an empty history."""
        history = query.history
        if not len(history):
            return (np.zeros_like(self.year[movies]),) * len(HISTORY_FEATURES)
        weights = _mean_weights(query, self.items["next_movie"].decay)
        similarity = self.text[movies] @ (weights @ self.text[history])
        distance = np.abs(self.year[movies] - weights @ self.year[history])
        popularity, _ = self._overall
        mean_popularity = _mean_weights(query, self.last_decay) @ popularity[history]
        return similarity, distance, np.abs(popularity[movies] - mean_popularity)

    @cached_property
    def _first_times(self) -> Float[np.ndarray, " movies"]:
        return self.times.first_times()

    @cached_property
    def _overall(self) -> tuple[Float32[np.ndarray, " movies"], Float32[np.ndarray, " movies"]]:
        """Log number of ratings, and whether the item rankers do not score the movie."""
        count = self.times.count_all()
        rarely = np.ones(len(count), np.float32)
        rarely[self.items["ease"].movies] = 0
        return np.log1p(count).astype(np.float32), rarely


def _mean_weights(query: RankingQuery, decay: float) -> Float32[np.ndarray, " history"]:
    """Return the decayed weights of a history, divided by their sum."""
    weights = query.decayed_weights(decay)
    return (weights / weights.sum()).astype(np.float32)


def log_at_least(scores: Float32[np.ndarray, "*shape"], floor: float) -> Float32[np.ndarray, "*shape"]:
    """Return the logarithm of the scores, or of ``floor`` where they are lower."""
    return np.log(np.maximum(scores, np.float32(floor)))

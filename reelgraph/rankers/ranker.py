"""The interface of rankers, and what they are fitted on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64, Int64
from scipy.sparse import csr_matrix

from reelgraph.core.rating_scale import STAR_STEP
from reelgraph.sequences.dataset import UserHistories, star_ratings

MIN_RATINGS = 5
"""Ratings of a movie from which on its weights are fitted."""
MAX_MOVIES = 8000
"""Most rated movies whose weights are fitted: memory grows with the square, time with the cube."""
MAX_RATINGS = 4_000_000
"""Ratings that the item weights of ``blend`` and the vectors of ``content`` are fitted on, at most."""
LIKED_STARS = 4.0
"""A movie with at least this rating is liked."""
LIKED_WEIGHT = 2.0
"""Weight of the log probability to like a movie, against that of the log probability to watch it next."""
RARITY_PENALTY = 2.0
"""What a movie without ratings loses against one with many: the penalty falls with √(ratings + 1)."""
MIN_PROBABILITY = 1e-9
MEAN_DAMPING = 5.0
"""Ratings that the overall mean counts as in a movie's mean."""
SelectedRows = Int64[np.ndarray, " selected"] | slice
"""Rows of movies."""
ALL = slice(None)
"""All rows."""


@dataclass(frozen=True)
class RankingQuery:
    """A user at the time of a list."""

    history: Int64[np.ndarray, " history"]
    """Rows of the movies that the user has rated, in the order of the ratings."""
    time: int | None = None
    """Unix time of the query in seconds; None: the time of the last rating that the ranker was fitted on."""
    rated_at: Int64[np.ndarray, " history"] | None = None
    """Times of the ratings, ascending: equal ones have no order. None: all times differ."""

    def decayed_weights(self, decay: float) -> Float64[np.ndarray, " history"]:
        """Return decay^age of each rating; the last one has age 0. Ratings of one time share their mean."""
        weights = decay ** np.arange(len(self.history) - 1, -1, -1, dtype=np.float64)
        if self.rated_at is None:
            return weights
        _, number = np.unique(self.rated_at, return_inverse=True)
        return (np.bincount(number, weights) / np.bincount(number))[number]


@dataclass(frozen=True)
class FittedRatings:
    """The ratings that a ranker is fitted on, ordered by user and time."""

    user: Int64[np.ndarray, " ratings"]
    """Number of the user, ascending."""
    movie_row: Int64[np.ndarray, " ratings"]
    """Row of the movie."""
    timestamp: Int64[np.ndarray, " ratings"]
    """Unix time in seconds."""
    stars: Float[np.ndarray, " ratings"]
    """The rating, 0.5 … 5."""
    n_movies: int
    """Number of movies, rated or not."""


@dataclass(frozen=True)
class MovieContent:
    """What a ranker reads of the movies, in row order."""

    text: Float32[np.ndarray, "movies text"]
    """Text vectors."""
    year: Float[np.ndarray, " movies"]
    """Release years; NaN where unknown."""
    entities: csr_matrix
    """Movies × entities, 1 for each entity of a movie."""


@dataclass(frozen=True)
class RankerInputs:
    """What a ranker is fitted on."""

    ratings: FittedRatings
    content: MovieContent
    held_out: Bool[np.ndarray, " ratings"]
    """Ratings like those of the validation targets; a ranker may select its parameters on them."""
    min_history: int
    """Ratings before the first held-out one that a user needs for a query, 1 or more."""
    seed: int
    """Seed of its random numbers."""


@runtime_checkable
class Ranker(Protocol):
    """A fitted model that scores all movies for a history; a new user needs no training."""

    def score(self, query: RankingQuery) -> Float32[np.ndarray, " movies"]:
        """Return a score of each movie; the highest comes first. Movies of the history are scored, too."""
        ...

    def contributions(
        self, query: RankingQuery, movies: Int64[np.ndarray, " selected"]
    ) -> Float[np.ndarray, "selected history"]:
        """Return what each movie of the history adds to the scores of movies; 0 without such a sum."""
        ...

    def arrays(self) -> dict[str, np.ndarray]:
        """Return what ``restore`` of the ranker's module builds it from."""
        ...


def collect_ratings(
    histories: UserHistories, fit_end: Int64[np.ndarray, " users"], n_movies: int
) -> FittedRatings:
    """Return each user's ratings before ``fit_end``."""
    index = histories.fitted_index(fit_end)
    return FittedRatings(
        user=histories.users_of(index),
        movie_row=histories.movie_row[index].astype(np.int64),
        timestamp=histories.timestamp[index].astype(np.int64),
        stars=star_ratings(histories, index),
        n_movies=n_movies,
    )


def frequent_movies(ratings: FittedRatings) -> Int64[np.ndarray, " frequent"]:
    """Return the ascending rows of the movies with ``MIN_RATINGS`` ratings: the ``MAX_MOVIES`` most rated."""
    count = np.bincount(ratings.movie_row, minlength=ratings.n_movies)
    by_count = np.argsort(-count, kind="stable")[:MAX_MOVIES]
    return np.sort(by_count[count[by_count] >= MIN_RATINGS])


def sample_users(ratings: FittedRatings, rng: np.random.Generator) -> FittedRatings:
    """Return all ratings, or, of more than ``MAX_RATINGS``, those of a random sample of users."""
    if len(ratings.user) <= MAX_RATINGS:
        return ratings
    users, count = np.unique(ratings.user, return_counts=True)
    order = rng.permutation(len(users))
    sampled = users[order[np.cumsum(count[order]) <= MAX_RATINGS]]
    return select_ratings(ratings, np.isin(ratings.user, sampled))


def select_ratings(ratings: FittedRatings, mask: Bool[np.ndarray, " ratings"]) -> FittedRatings:
    """Return the ratings of the mask."""
    return FittedRatings(
        ratings.user[mask], ratings.movie_row[mask], ratings.timestamp[mask], ratings.stars[mask],
        ratings.n_movies,
    )  # fmt: skip


def mean_stars(ratings: FittedRatings) -> Float32[np.ndarray, " movies"]:
    """Return each movie's mean rating, damped by ``MEAN_DAMPING`` ratings of the overall mean."""
    count = np.bincount(ratings.movie_row, minlength=ratings.n_movies)
    total = np.bincount(ratings.movie_row, ratings.stars, ratings.n_movies)
    overall = ratings.stars.mean() if len(ratings.stars) else 0.0
    return ((total + MEAN_DAMPING * overall) / (count + MEAN_DAMPING)).astype(np.float32)


def ranks(
    candidates: Float[np.ndarray, " candidates"], relevant: Float[np.ndarray, " relevant"]
) -> Float[np.ndarray, " relevant"]:
    """Return the rank from 1 of each relevant score among all candidates; ties share their mean rank."""
    n_above = (candidates > relevant[:, None]).sum(axis=1)
    n_equal = (candidates == relevant[:, None]).sum(axis=1) - 1
    return 1 + n_above + n_equal / 2


def watched_and_liked(
    scores: Float[np.ndarray, " movies"],
    probabilities: Float[np.ndarray, "movies 10"],
    rating_counts: Int64[np.ndarray, " movies"],
) -> Float[np.ndarray, " movies"]:
    """Return log P(watched next) + ``LIKED_WEIGHT`` · log P(``LIKED_STARS`` or more), up to a constant.

    Both are uncertain for movies with few ratings, which lose ``RARITY_PENALTY`` / √(ratings + 1).

    Args:
        scores: of a ranker whose scores are log probabilities up to a constant, such as ``blend``.
        probabilities: of the half stars, by a rater.
        rating_counts: ratings of each movie that the ranker was fitted on.
    """
    liked = probabilities[:, round(LIKED_STARS / STAR_STEP) - 1 :].sum(axis=1)
    penalty = RARITY_PENALTY / np.sqrt(rating_counts + 1)
    return scores + LIKED_WEIGHT * np.log(np.maximum(liked, MIN_PROBABILITY)) - penalty

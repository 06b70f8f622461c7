"""Exposure: which user of the demo rates which movie, and when.

Ratings per user, sessions and equal timestamps follow the statistics of MovieLens. The probability
that a user picks a movie depends on the movie's popularity and age only, and never on the user.
Ratings are therefore missing at random: the selection carries no information about preferences.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64

from reelgraph.core.seeds import generator
from reelgraph.params.data import Demo
from reelgraph.runtime.progress import progress
from reelgraph.sources.demo.movies import FIRST_YEAR, LAST_YEAR, DemoMovies

SECONDS_PER_DAY = 86_400
YEAR_STARTS = np.array([f"{year}-01-01" for year in range(FIRST_YEAR, LAST_YEAR + 2)], "M8[s]").astype(
    np.int64
)
"""First second of each year with ratings, and of the year after the last, UTC."""

MIN_RATINGS = 20
"""Smallest number of ratings of a user in MovieLens."""

ACTIVITY_STD = 1.5
"""Standard deviation of the log of a user's ratings above the minimum, fitted to latest-small."""

RATINGS_PER_CHUNK = 1 << 20
"""Approximate number of ratings generated at once. It affects the random numbers, so it is fixed."""

NOVELTY_YEARS = 6.0
"""Years in which the additional interest in a new movie falls to 1/e."""

LASTING_INTEREST = 0.25
"""Interest in an old movie, as a fraction of the interest in a new one."""

RESAMPLING_ROUNDS = 24
"""Rounds in which duplicates are sampled again, before the exact method takes over."""

MAX_SCORE_CELLS = 1 << 22
"""Largest number of cells of the user × movie table of the exact method."""


@dataclass(frozen=True)
class Exposure:
    """User, movie and time of ratings, without the stars, of consecutive users.

    Rows are ordered by user, timestamp, movie.
    """

    offsets: Int64[np.ndarray, "bounds"]
    """Ratings of the chunk's user u are at offsets[u] : offsets[u + 1]."""
    movie: Int64[np.ndarray, "ratings"]
    """Row of the movie."""
    timestamp: Int64[np.ndarray, "ratings"]
    """Unix seconds, UTC."""


@dataclass(frozen=True)
class YearlyPopularity:
    """Weights of the movies in each year with ratings."""

    weight: Float64[np.ndarray, "years movies"]
    """0 before the movie's release."""
    cumulative: Float64[np.ndarray, "years*movies"]
    """Cumulative probabilities of all years in one ascending array: year i covers [i, i + 1]."""

    @classmethod
    def from_movies(cls, movies: DemoMovies) -> YearlyPopularity:
        """Compute the weights from popularity and release year."""
        age = np.arange(FIRST_YEAR, LAST_YEAR + 1)[:, None] - movies.year
        interest = LASTING_INTEREST + (1 - LASTING_INTEREST) * np.exp(-np.maximum(age, 0) / NOVELTY_YEARS)
        weight = np.where(age >= 0, movies.popularity * interest, 0.0)
        sums = np.cumsum(weight, axis=1)
        cumulative = np.arange(len(sums))[:, None] + sums / sums[:, -1:]
        return cls(weight, cumulative.ravel())

    def sample(
        self, rng: np.random.Generator, year: Int64[np.ndarray, "ratings"]
    ) -> Int64[np.ndarray, "ratings"]:
        """Sample a movie for each year index, with replacement."""
        keys = year + rng.random(len(year)) * (1 - 1e-12)
        return np.searchsorted(self.cumulative, keys, side="right") - year * self.weight.shape[1]


def generate_exposure(params: Demo, movies: DemoMovies, seed: int) -> Iterator[Exposure]:
    """Yield the ratings in chunks of users; together they cover users 1 … ``params.users`` in order."""
    first_timestamp = _first_timestamps(params.users, seed)
    released = np.searchsorted(np.sort(movies.year), _year_index(first_timestamp) + FIRST_YEAR, side="right")
    counts = np.minimum(_ratings_per_user(params, seed), released)
    ends = np.cumsum(counts)
    targets = np.arange(RATINGS_PER_CHUNK, ends[-1], RATINGS_PER_CHUNK)
    cuts = np.unique(np.searchsorted(ends, targets, side="left") + 1)
    time_rng = generator(seed, "demo/clock")
    movie_rng = generator(seed, "demo/choice")
    popularity = YearlyPopularity.from_movies(movies)
    for users in progress(np.split(np.arange(params.users), cuts[cuts < params.users]), "demo ratings"):
        offsets = np.concatenate([[0], np.cumsum(counts[users])])
        timestamp = _timestamps(time_rng, first_timestamp[users], offsets)
        movie = sample_distinct_movies(movie_rng, popularity, _year_index(timestamp), offsets)
        user = np.repeat(np.arange(len(users)), np.diff(offsets))
        order = np.lexsort((movie, timestamp, user))
        yield Exposure(offsets, movie[order], timestamp[order])


def _year_index(timestamp: Int64[np.ndarray, "ratings"]) -> Int64[np.ndarray, "ratings"]:
    """Return years since ``FIRST_YEAR``."""
    return np.searchsorted(YEAR_STARTS, timestamp, side="right") - 1


def _first_timestamps(users: int, seed: int) -> Int64[np.ndarray, "users"]:
    """Sample the times of the first ratings: 15 % in the first year, the rest later, as in latest-small."""
    rng = generator(seed, "demo/join")
    early = rng.random(users) < 0.15
    years = np.where(early, 0.25 + 0.75 * rng.random(users), (len(YEAR_STARTS) - 1.2) * rng.random(users))
    return YEAR_STARTS[0] + (years * 365.25 * SECONDS_PER_DAY).astype(np.int64)


def _ratings_per_user(params: Demo, seed: int) -> Int64[np.ndarray, "users"]:
    """Sample each user's number of ratings: a minimum plus a log-normal variable, clipped at the maximum.

    Bisection finds the log-normal's location at which the mean is ``params.mean_ratings``.
    """
    rng = generator(seed, "demo/activity")
    normal = rng.standard_normal(params.users)
    minimum = min(MIN_RATINGS, max(1, params.mean_ratings // 2))

    def counts(location: float) -> Int64[np.ndarray, "users"]:
        sampled = minimum + np.exp(location + ACTIVITY_STD * normal)
        return np.minimum(sampled, params.max_ratings).astype(np.int64)

    low = -10.0
    high = 20.0
    for _ in range(40):
        middle = (low + high) / 2
        if counts(middle).mean() < params.mean_ratings:
            low = middle
        else:
            high = middle
    return counts(high)


def _timestamps(
    rng: np.random.Generator,
    first_timestamp: Int64[np.ndarray, "users"],
    offsets: Int64[np.ndarray, "users+1"],
) -> Int64[np.ndarray, "ratings"]:
    """Sample ascending timestamps: seconds apart within a session, days to years between sessions.

    The gaps of a user whose ratings would end after the last year are scaled down to fit.
    """
    counts = np.diff(offsets)
    ratings = int(offsets[-1])
    gaps = np.where(_starts_session(rng, counts), _days(rng, ratings), _seconds(rng, ratings))
    gaps[offsets[:-1]] = 0
    total = np.cumsum(gaps)
    elapsed = total - np.repeat(total[offsets[:-1]], counts)
    available = YEAR_STARTS[-1] - 1 - first_timestamp
    scale = np.minimum(1.0, available / np.maximum(elapsed[offsets[1:] - 1], 1.0))
    return np.repeat(first_timestamp, counts) + (elapsed * np.repeat(scale, counts)).astype(np.int64)


def _starts_session(
    rng: np.random.Generator, counts: Int64[np.ndarray, "users"]
) -> Bool[np.ndarray, "ratings"]:
    """Sample where a new session starts: 42 % of the users have one session, a few have very many."""
    frequency = np.minimum(0.5, np.exp(-2.8 + rng.standard_normal(len(counts))))
    one_session = rng.random(len(counts)) < 0.42
    probability = np.repeat(np.where(one_session, 0.0, frequency), counts)
    return rng.random(len(probability)) < probability


def _days(rng: np.random.Generator, count: int) -> Float64[np.ndarray, "count"]:
    """Sample gaps between sessions, in seconds."""
    return np.floor(SECONDS_PER_DAY * np.exp(np.log(3.5) + 2.05 * rng.standard_normal(count)))


def _seconds(rng: np.random.Generator, count: int) -> Float64[np.ndarray, "count"]:
    """Sample gaps within a session, in seconds."""
    gaps = np.floor(np.exp(np.log(14.0) + 1.3 * rng.standard_normal(count)))
    return np.where(rng.random(count) < 0.16, 0.0, gaps)


def sample_distinct_movies(
    rng: np.random.Generator,
    popularity: YearlyPopularity,
    year: Int64[np.ndarray, "ratings"],
    offsets: Int64[np.ndarray, "bounds"],
) -> Int64[np.ndarray, "ratings"]:
    """Sample a movie for each rating, without replacement within a user.

    Args:
        rng: random generator.
        popularity: weights of the movies in each year.
        year: index of each rating's year, ascending within a user.
        offsets: ratings of user u are at offsets[u] : offsets[u + 1]. No user has more ratings than
            movies were released by the year of the user's first rating.
    """
    user = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    movie = popularity.sample(rng, year)
    for _ in range(RESAMPLING_ROUNDS):
        duplicates = _find_duplicates(user, movie, popularity.weight.shape[1])
        if not len(duplicates):
            return movie
        movie[duplicates] = popularity.sample(rng, year[duplicates])
    duplicates = _find_duplicates(user, movie, popularity.weight.shape[1])
    _replace_duplicates(rng, popularity, movie, duplicates, user, year[offsets[:-1]])
    return movie


def _find_duplicates(
    user: Int64[np.ndarray, "ratings"], movie: Int64[np.ndarray, "ratings"], movies: int
) -> Int64[np.ndarray, "duplicates"]:
    """Return the ratings, ascending, whose user has an earlier rating of the same movie."""
    key = user * movies + movie
    order = np.argsort(key, kind="stable")
    ordered = key[order]
    return np.sort(order[1:][ordered[1:] == ordered[:-1]])


def _replace_duplicates(
    rng: np.random.Generator,
    popularity: YearlyPopularity,
    movie: Int64[np.ndarray, "ratings"],
    duplicates: Int64[np.ndarray, "duplicates"],
    user: Int64[np.ndarray, "ratings"],
    first_year: Int64[np.ndarray, "users"],
) -> None:
    """Replace duplicates in ``movie`` by movies that the user has not rated.

    They were released by the year of the user's first rating.

    The largest values of log-weight plus Gumbel noise are a sample without replacement
    (Yellott 1977; Kool et al. 2019).
    """
    unique = np.setdiff1d(np.arange(len(movie)), duplicates)
    users = np.unique(user[duplicates])
    batch_size = max(1, MAX_SCORE_CELLS // popularity.weight.shape[1])
    for batch in np.split(users, np.arange(batch_size, len(users), batch_size)):
        with np.errstate(divide="ignore"):
            score = np.log(popularity.weight[first_year[batch]])
        score += rng.gumbel(size=score.shape)
        rated = unique[np.isin(user[unique], batch)]
        score[np.searchsorted(batch, user[rated]), movie[rated]] = -np.inf
        best = np.argsort(-score, axis=1, kind="stable")
        replaced = duplicates[np.isin(user[duplicates], batch)]
        row = np.searchsorted(batch, user[replaced])
        rank = np.arange(len(replaced)) - np.searchsorted(row, row, side="left")
        movie[replaced] = best[row, rank]

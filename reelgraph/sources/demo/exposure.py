"""Who rates which movie when, without a look at anybody's taste.

Activity, sessions and ties are as in MovieLens. A movie's odds depend on its
popularity, its age at that moment, and whether it is out: on nothing of the person,
so that the choice tells nothing about the person's taste given the movies.
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
"""First second of each year with ratings, and of the year after, UTC."""

MIN_RATINGS = 20
"""Least activity in MovieLens."""

ACTIVITY_SD = 1.5
"""Spread of log-activity above the least, fitted to latest-small."""

RATINGS_PER_CHUNK = 1 << 20
"""Ratings drawn at a time, about; fixed, since the streams are drawn chunk by chunk."""


@dataclass(frozen=True)
class Exposure:
    """Ratings without stars, of consecutive users, ordered by user, time, movie."""

    offsets: Int64[np.ndarray, "bounds"]
    """Ratings of the chunk's user u are at offsets[u] : offsets[u + 1]."""
    movie: Int64[np.ndarray, "ratings"]
    """Row of the movie."""
    timestamp: Int64[np.ndarray, "ratings"]
    """Unix seconds, UTC."""


def generate_exposure(params: Demo, movies: DemoMovies, seed: int) -> Iterator[Exposure]:
    """Yield the ratings in chunks of users; together they are the users 1 … ``params.users`` in order."""
    joined = _join_times(params.users, seed)
    out = np.searchsorted(np.sort(movies.year), _year_of(joined) + FIRST_YEAR, side="right")
    counts = np.minimum(_activity(params, seed), out)
    ends = np.cumsum(counts)
    cuts = np.unique(
        np.searchsorted(ends, np.arange(RATINGS_PER_CHUNK, ends[-1], RATINGS_PER_CHUNK), side="left") + 1
    )
    clock, picker, odds = (
        generator(seed, "demo/clock"),
        generator(seed, "demo/choice"),
        YearlyPopularity.from_movies(movies),
    )
    for users in progress(np.split(np.arange(params.users), cuts[cuts < params.users]), "demo ratings"):
        offsets = np.concatenate([[0], np.cumsum(counts[users])])
        timestamp = _times(clock, joined[users], offsets)
        movie = sample_distinct_movies(picker, odds, _year_of(timestamp), offsets)
        person = np.repeat(np.arange(len(users)), np.diff(offsets))
        order = np.lexsort((movie, timestamp, person))
        yield Exposure(offsets, movie[order], timestamp[order])


def _year_of(timestamp: Int64[np.ndarray, "ratings"]) -> Int64[np.ndarray, "ratings"]:
    """Return years since ``FIRST_YEAR``."""
    return np.searchsorted(YEAR_STARTS, timestamp, side="right") - 1


def _join_times(users: int, seed: int) -> Int64[np.ndarray, "users"]:
    """Draw first ratings: a sixth in the first year, the rest evenly, as in latest-small."""
    rng = generator(seed, "demo/join")
    early = rng.random(users) < 0.15
    years = np.where(early, 0.25 + 0.75 * rng.random(users), (len(YEAR_STARTS) - 1.2) * rng.random(users))
    return YEAR_STARTS[0] + (years * 365.25 * SECONDS_PER_DAY).astype(np.int64)


def _activity(params: Demo, seed: int) -> Int64[np.ndarray, "users"]:
    """Draw ratings a user: a least number plus a log-normal one, cut at the largest.

    The log-normal's level is found by bisection, so that the mean is the one asked for.
    """
    rng = generator(seed, "demo/activity")
    normal = rng.standard_normal(params.users)
    least = min(MIN_RATINGS, max(1, params.mean_ratings // 2))

    def counts(level: float) -> Int64[np.ndarray, "users"]:
        drawn = least + np.exp(level + ACTIVITY_SD * normal)
        return np.minimum(drawn, params.max_ratings).astype(np.int64)

    low, high = -10.0, 20.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if counts(middle).mean() < params.mean_ratings else (low, middle)
    return counts(high)


def _times(
    rng: np.random.Generator, joined: Int64[np.ndarray, "users"], offsets: Int64[np.ndarray, "users+1"]
) -> Int64[np.ndarray, "ratings"]:
    """Draw ascending times: seconds within a sitting, days to years between sittings.

    Whoever would outlive the last year rates the same way, but faster.
    """
    counts, ratings = np.diff(offsets), int(offsets[-1])
    gaps = np.where(_new_sitting(rng, counts), _days(rng, ratings), _seconds(rng, ratings))
    gaps[offsets[:-1]] = 0
    total = np.cumsum(gaps)
    since = total - np.repeat(total[offsets[:-1]], counts)
    room = YEAR_STARTS[-1] - 1 - joined
    faster = np.minimum(1.0, room / np.maximum(since[offsets[1:] - 1], 1.0))
    return np.repeat(joined, counts) + (since * np.repeat(faster, counts)).astype(np.int64)


def _new_sitting(rng: np.random.Generator, counts: Int64[np.ndarray, "users"]) -> Bool[np.ndarray, "ratings"]:
    """Decide where a new sitting starts: never for half of the people, often for a few."""
    habit = np.minimum(0.5, np.exp(-2.8 + rng.standard_normal(len(counts))))
    once = rng.random(len(counts)) < 0.42
    share = np.repeat(np.where(once, 0.0, habit), counts)
    return rng.random(len(share)) < share


def _days(rng: np.random.Generator, count: int) -> Float64[np.ndarray, "count"]:
    return np.floor(SECONDS_PER_DAY * np.exp(np.log(3.5) + 2.05 * rng.standard_normal(count)))


def _seconds(rng: np.random.Generator, count: int) -> Float64[np.ndarray, "count"]:
    drawn = np.floor(np.exp(np.log(14.0) + 1.3 * rng.standard_normal(count)))
    return np.where(rng.random(count) < 0.16, 0.0, drawn)


FRESH_YEARS = 6.0
"""Years in which the extra interest in a new movie falls to 1/e."""

LASTING = 0.25
"""Interest that lasts, as a share of that in a new movie."""

ROUNDS = 24
"""Rounds of drawing again what came up twice, before the rest is drawn from all that is left."""

CELLS = 1 << 22
"""Cells of the largest person × movie table of that last draw."""


@dataclass(frozen=True)
class YearlyPopularity:
    """Odds of each movie in each year with ratings."""

    weight: Float64[np.ndarray, "years movies"]
    """0 before the movie's release."""
    cumulative: Float64[np.ndarray, "years*movies"]
    """Running sums, a year's from its index to its index + 1: a key is found in all years at once."""

    @classmethod
    def from_movies(cls, movies: DemoMovies) -> YearlyPopularity:
        """Work out the odds from popularity and release years."""
        age = np.arange(FIRST_YEAR, LAST_YEAR + 1)[:, None] - movies.year
        interest = LASTING + (1 - LASTING) * np.exp(-np.maximum(age, 0) / FRESH_YEARS)
        weight = np.where(age >= 0, movies.popularity * interest, 0.0)
        sums = np.cumsum(weight, axis=1)
        cumulated = np.arange(len(sums))[:, None] + sums / sums[:, -1:]
        return cls(weight, cumulated.ravel())

    def sample(
        self, rng: np.random.Generator, year: Int64[np.ndarray, "ratings"]
    ) -> Int64[np.ndarray, "ratings"]:
        """Draw a movie for each year; movies may come up twice."""
        keys = year + rng.random(len(year)) * (1 - 1e-12)
        return np.searchsorted(self.cumulative, keys, side="right") - year * self.weight.shape[1]


def sample_distinct_movies(
    rng: np.random.Generator,
    odds: YearlyPopularity,
    year: Int64[np.ndarray, "ratings"],
    offsets: Int64[np.ndarray, "bounds"],
) -> Int64[np.ndarray, "ratings"]:
    """Draw a movie for each rating, none twice for a person.

    Args:
        rng: stream of random numbers.
        odds: odds of each movie in each year.
        year: index of the year of each rating, ascending within a person.
        offsets: ratings of person u are at offsets[u] : offsets[u + 1]; nobody has more
            ratings than movies are out in the year of the person's first.
    """
    person = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    movie = odds.sample(rng, year)
    for _ in range(ROUNDS):
        again = _repeated(person, movie, odds.weight.shape[1])
        if not len(again):
            return movie
        movie[again] = odds.sample(rng, year[again])
    again = _repeated(person, movie, odds.weight.shape[1])
    taken = np.setdiff1d(np.arange(len(movie)), again)
    _fill(rng, odds, movie, again, taken, person, year[offsets[:-1]])
    return movie


def _repeated(
    person: Int64[np.ndarray, "ratings"], movie: Int64[np.ndarray, "ratings"], movies: int
) -> Int64[np.ndarray, "repeated"]:
    """Return the ratings, ascending, whose movie the person has already."""
    key = person * movies + movie
    order = np.argsort(key, kind="stable")
    ordered = key[order]
    return np.sort(order[1:][ordered[1:] == ordered[:-1]])


def _fill(
    rng: np.random.Generator,
    odds: YearlyPopularity,
    movie: Int64[np.ndarray, "ratings"],
    open_: Int64[np.ndarray, "open"],
    taken: Int64[np.ndarray, "taken"],
    person: Int64[np.ndarray, "ratings"],
    first_year: Int64[np.ndarray, "users"],
) -> None:
    """Give the open ratings movies that the person has not, from those out in the person's first year.

    The largest of log-weight plus Gumbel noise are a draw without replacement
    (Yellott 1977; Kool et al. 2019).
    """
    users, batch = np.unique(person[open_]), max(1, CELLS // odds.weight.shape[1])
    for some in np.split(users, np.arange(batch, len(users), batch)):
        with np.errstate(divide="ignore"):
            score = np.log(odds.weight[first_year[some]])
        score += rng.gumbel(size=score.shape)
        mine = taken[np.isin(person[taken], some)]
        score[np.searchsorted(some, person[mine]), movie[mine]] = -np.inf
        best = np.argsort(-score, axis=1, kind="stable")
        wanted = open_[np.isin(person[open_], some)]
        row = np.searchsorted(some, person[wanted])
        place = np.arange(len(wanted)) - np.searchsorted(row, row, side="left")
        movie[wanted] = best[row, place]

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
from reelgraph.params.demo import Demo
from reelgraph.runtime.progress import progress
from reelgraph.sources.demo.choice import Odds, choose
from reelgraph.sources.demo.movies import FIRST_YEAR, LAST_YEAR, Movies

DAY = 86_400
YEAR_STARTS = np.array([f"{year}-01-01" for year in range(FIRST_YEAR, LAST_YEAR + 2)], "M8[s]").astype(
    np.int64
)
"""First second of each year with ratings, and of the year after, UTC."""

MIN_RATINGS = 20
"""Least activity in MovieLens."""

ACTIVITY_SD = 1.5
"""Spread of log-activity above the least, fitted to latest-small."""

CHUNK = 1 << 20
"""Ratings drawn at a time, about; fixed, since the streams are drawn chunk by chunk."""


@dataclass(frozen=True)
class Viewing:
    """Ratings without stars, of consecutive users, ordered by user, time, movie."""

    offsets: Int64[np.ndarray, "bounds"]
    """Ratings of the chunk's user u are at offsets[u] : offsets[u + 1]."""
    movie: Int64[np.ndarray, "ratings"]
    """Row of the movie."""
    timestamp: Int64[np.ndarray, "ratings"]
    """Unix seconds, UTC."""


def viewings(params: Demo, movies: Movies, seed: int) -> Iterator[Viewing]:
    """Yield the ratings in chunks of users; together they are the users 1 … ``params.users`` in order."""
    joined = _join_times(params.users, seed)
    out = np.searchsorted(np.sort(movies.year), _year_of(joined) + FIRST_YEAR, side="right")
    counts = np.minimum(_activity(params, seed), out)
    ends = np.cumsum(counts)
    cuts = np.unique(np.searchsorted(ends, np.arange(CHUNK, ends[-1], CHUNK), side="left") + 1)
    clock, picker, odds = generator(seed, "demo/clock"), generator(seed, "demo/choice"), Odds.of(movies)
    for users in progress(np.split(np.arange(params.users), cuts[cuts < params.users]), "demo ratings"):
        offsets = np.concatenate([[0], np.cumsum(counts[users])])
        timestamp = _times(clock, joined[users], offsets)
        movie = choose(picker, odds, _year_of(timestamp), offsets)
        person = np.repeat(np.arange(len(users)), np.diff(offsets))
        order = np.lexsort((movie, timestamp, person))
        yield Viewing(offsets, movie[order], timestamp[order])


def _year_of(timestamp: Int64[np.ndarray, "ratings"]) -> Int64[np.ndarray, "ratings"]:
    """Return years since ``FIRST_YEAR``."""
    return np.searchsorted(YEAR_STARTS, timestamp, side="right") - 1


def _join_times(users: int, seed: int) -> Int64[np.ndarray, "users"]:
    """Draw first ratings: a sixth in the first year, the rest evenly, as in latest-small."""
    rng = generator(seed, "demo/join")
    early = rng.random(users) < 0.15
    years = np.where(early, 0.25 + 0.75 * rng.random(users), (len(YEAR_STARTS) - 1.2) * rng.random(users))
    return YEAR_STARTS[0] + (years * 365.25 * DAY).astype(np.int64)


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
    return np.floor(DAY * np.exp(np.log(3.5) + 2.05 * rng.standard_normal(count)))


def _seconds(rng: np.random.Generator, count: int) -> Float64[np.ndarray, "count"]:
    drawn = np.floor(np.exp(np.log(14.0) + 1.3 * rng.standard_normal(count)))
    return np.where(rng.random(count) < 0.16, 0.0, drawn)

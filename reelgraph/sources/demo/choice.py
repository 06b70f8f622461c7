"""The choice of distinct movies by popularity and age."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from reelgraph.sources.demo.movies import FIRST_YEAR, LAST_YEAR, Movies

FRESH_YEARS = 6.0
"""Years in which the extra interest in a new movie falls to 1/e."""

LASTING = 0.25
"""Interest that lasts, as a share of that in a new movie."""

ROUNDS = 24
"""Rounds of drawing again what came up twice, before the rest is drawn from all that is left."""

CELLS = 1 << 22
"""Cells of the largest person × movie table of that last draw."""


@dataclass(frozen=True)
class Odds:
    """Odds of each movie in each year with ratings."""

    weight: Float64[np.ndarray, "years movies"]
    """0 before the movie's release."""
    cumulated: Float64[np.ndarray, "years*movies"]
    """Running sums, a year's from its index to its index + 1: a key is found in all years at once."""

    @classmethod
    def of(cls, movies: Movies) -> Odds:
        """Work out the odds from popularity and release years."""
        age = np.arange(FIRST_YEAR, LAST_YEAR + 1)[:, None] - movies.year
        interest = LASTING + (1 - LASTING) * np.exp(-np.maximum(age, 0) / FRESH_YEARS)
        weight = np.where(age >= 0, movies.popularity * interest, 0.0)
        sums = np.cumsum(weight, axis=1)
        cumulated = np.arange(len(sums))[:, None] + sums / sums[:, -1:]
        return cls(weight, cumulated.ravel())

    def draw(
        self, rng: np.random.Generator, year: Int64[np.ndarray, "ratings"]
    ) -> Int64[np.ndarray, "ratings"]:
        """Draw a movie for each year; movies may come up twice."""
        keys = year + rng.random(len(year)) * (1 - 1e-12)
        return np.searchsorted(self.cumulated, keys, side="right") - year * self.weight.shape[1]


def choose(
    rng: np.random.Generator,
    odds: Odds,
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
    movie = odds.draw(rng, year)
    for _ in range(ROUNDS):
        again = _repeated(person, movie, odds.weight.shape[1])
        if not len(again):
            return movie
        movie[again] = odds.draw(rng, year[again])
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
    odds: Odds,
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

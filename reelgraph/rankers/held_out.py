"""Queries within the training ratings, like those of validation, on which a ranker selects its parameters."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Int64

from reelgraph.core.seeds import subsample
from reelgraph.rankers.ranker import FittedRatings, RankerInputs, RankingQuery, select_ratings
from reelgraph.sequences.dataset import UserHistories

MAX_QUERIES = 2000
"""Queries, at most: those of a random sample of users."""
HIDDEN_FRACTION = 0.05
"""Fraction of the movies that ``hide_movies`` hides."""
MAX_TARGETS = 150
"""Held-out movies of a query, at most: the first ones."""


@dataclass(frozen=True)
class HeldOutQueries:
    """The ratings without the held-out ones, and queries about these."""

    ratings: FittedRatings
    queries: list[RankingQuery]
    targets: list[Int64[np.ndarray, " _"]]
    """Movies that the user of each query rated next."""
    rated: Bool[np.ndarray, " movies"]
    """Movies with a rating, held out or not: those that could be targets."""


def hold_out(
    histories: UserHistories,
    ratings: FittedRatings,
    fit_end: Int64[np.ndarray, " users"],
    rng: np.random.Generator,
) -> Bool[np.ndarray, " ratings"]:
    """Return a mask of fitted ratings that resemble the rows behind them.

    If all rows that are not fitted come after all that are, the split is at a time. Then the last fitted
    ratings of all users are held out, as many as there are validation rows. If most test ratings lie among
    the fitted ones in time, as in a random split, a random rating of each user is held out. Otherwise each
    user's last is.

    Args:
        histories: all ratings.
        ratings: the fitted ones.
        fit_end: end of each user's fitted rows.
        rng: samples the ratings of a random split.
    """
    is_fitted = histories.mask_before(fit_end)
    if ratings.timestamp.max() < histories.timestamp[~is_fitted].min(initial=np.iinfo(np.int64).max):
        n_held_out = int((histories.val_end - histories.train_end).sum())
        first = len(ratings.timestamp) - max(1, n_held_out)
        return ratings.timestamp >= np.partition(ratings.timestamp, first)[first]
    test_end = histories.chronological_history_end(histories.test)
    is_within_history = test_end < histories.history_end(histories.test)
    if 2 * is_within_history.sum() > len(is_within_history) and not len(histories.test_movies):
        _, start, count = np.unique(ratings.user, return_index=True, return_counts=True)
        held_out = np.zeros(len(ratings.user), bool)
        held_out[start + rng.integers(0, count)] = True
        return held_out
    return np.append(ratings.user[1:] != ratings.user[:-1], True)[: len(ratings.user)]


def min_history(histories: UserHistories) -> int:
    """Return the smallest number of ratings before a validation target, less the one held out; at least 1."""
    start, _ = histories.history_bounds(histories.val)
    length = histories.val - start
    return max(1, int(length.min()) - 1) if len(length) else 1


def held_out_queries(inputs: RankerInputs, rng: np.random.Generator) -> HeldOutQueries:
    """Build a query for each of up to ``MAX_QUERIES`` users of whom ratings are held out.

    Args:
        inputs: all ratings, and which of them are held out.
        rng: samples the queries.
    """
    ratings = inputs.ratings
    held_out = inputs.held_out
    # Those of each user behind the others.
    order = np.lexsort((held_out, ratings.user))
    movie_row = ratings.movie_row[order]
    timestamp = ratings.timestamp[order]
    _, start, count = np.unique(ratings.user, return_index=True, return_counts=True)
    n_held_out = np.add.reduceat(held_out.astype(np.int64), start) if len(start) else np.zeros(0, np.int64)
    first_target = np.maximum(start + count - n_held_out, start + inputs.min_history)
    end = start + count
    possible = np.flatnonzero((n_held_out > 0) & (first_target < end))
    chosen = subsample(possible, MAX_QUERIES, rng)
    queries = []
    targets = []
    for user in chosen:
        target = first_target[user]
        history = movie_row[start[user] : target]
        queries.append(RankingQuery(history, int(timestamp[target])))
        targets.append(movie_row[target : end[user]][:MAX_TARGETS])
    rated = np.bincount(ratings.movie_row, minlength=ratings.n_movies) > 0
    return HeldOutQueries(select_ratings(ratings, ~held_out), queries, targets, rated)


def hide_movies(held_out: HeldOutQueries, rng: np.random.Generator) -> HeldOutQueries:
    """Remove all ratings of ``HIDDEN_FRACTION`` of the movies; they stay in histories and among the targets.

    So a ranker learns what the content of a movie without ratings is worth, however many ratings the movie
    would have.
    """
    hidden = rng.random(held_out.ratings.n_movies) < HIDDEN_FRACTION
    return replace(held_out, ratings=select_ratings(held_out.ratings, ~hidden[held_out.ratings.movie_row]))

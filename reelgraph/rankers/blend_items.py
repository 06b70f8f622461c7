"""The item rankers of the blend, with L2 penalties selected on held-out ratings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated

import numpy as np
from jaxtyping import Float32, Int64
from pydantic import Field
from scipy.sparse import csr_matrix

from reelgraph.params.base import Section
from reelgraph.rankers.ease import score_ease, solve_ease
from reelgraph.rankers.held_out import HeldOutQueries
from reelgraph.rankers.item_weights import ItemWeightsRanker, Matrix, cooccurrence_counts, positions
from reelgraph.rankers.next_movie import score_ridge, solve_ridge, sum_products
from reelgraph.rankers.ranker import FittedRatings, RankingQuery, frequent_movies, ranks

MAX_SELECTION_QUERIES = 500
"""Queries that a penalty is selected on, at most."""

DAMPING = 5.0
"""Transitions to none of the movies that are added to those of each movie."""
LAST_ONLY = 0.0
"""The decay with which only the last movie of a history counts, as 0⁰ = 1."""

Histories = Float32[np.ndarray, "queries frequent"]


class ItemParams(Section):
    """Params of the item rankers."""

    decay: float = Field(gt=0, lt=1)
    """Weight of a rating of the history against that of the next newer one, above 0, below 1."""

    length: int = Field(ge=1, le=1000)
    """Last ratings of a history that predict the next movie, 1 to 1000."""

    l2: list[Annotated[float, Field(gt=0)]] = Field(min_length=1)
    """L2 penalties to choose from for each of the two regressions, above 0."""


def select_and_fit_items(
    held_out: HeldOutQueries, ratings: FittedRatings, params: ItemParams
) -> tuple[dict[str, ItemWeightsRanker], dict[str, float]]:
    """Return the item rankers with the best penalties, and the penalties.

    Args:
        held_out: queries on which the penalties are selected.
        ratings: the rankers are fitted on them; without the held-out ratings.
        params: decays and candidate penalties.
    """
    items = {"last_movie": fit_last_movie(ratings, frequent_movies(ratings))}
    penalties = {}
    for name, regression in _regressions(ratings, params):
        history = regression.weigh_histories(held_out.queries[:MAX_SELECTION_QUERIES])
        gain = {l2: mean_gain(regression.score(history, l2), regression.movies, held_out) for l2 in params.l2}
        penalties[name] = max(gain, key=lambda l2: (gain[l2], -l2))
        items[name] = regression.fit(penalties[name])
    return items, penalties


def fit_items(
    ratings: FittedRatings, params: ItemParams, penalties: dict[str, float]
) -> dict[str, ItemWeightsRanker]:
    """Return the item rankers with the given penalties."""
    items = {"last_movie": fit_last_movie(ratings, frequent_movies(ratings))}
    for name, regression in _regressions(ratings, params):
        items[name] = regression.fit(penalties[name])
    return items


def fit_last_movie(ratings: FittedRatings, movies: Int64[np.ndarray, " frequent"]) -> ItemWeightsRanker:
    """Return the damped fraction of each movie among those rated right after the last movie.

    This is a first-order Markov chain of the ratings (Rendle et al. 2010).

    Args:
        ratings: ordered by user and time.
        movies: ascending rows of the movies with weights.
    """
    position = positions(movies, ratings.n_movies)[ratings.movie_row]
    follows = (ratings.user[1:] == ratings.user[:-1]) & (position[1:] >= 0) & (position[:-1] >= 0)
    first = position[:-1][follows]
    second = position[1:][follows]
    ones = np.ones(len(first), np.float32)
    weights = csr_matrix((ones, (first, second)), (len(movies), len(movies))).toarray()
    weights /= weights.sum(axis=1, keepdims=True) + np.float32(DAMPING)
    return ItemWeightsRanker(movies, weights, LAST_ONLY, ratings.n_movies)


@dataclass(frozen=True)
class Regression:
    """An item ranker that can be fitted with several L2 penalties."""

    movies: Int64[np.ndarray, " frequent"]
    """Ascending rows of the movies with weights."""
    decay: float
    n_movies: int
    solve: Callable[[float], Matrix]
    """Returns the weights for a penalty."""
    score: Callable[[Histories, float], Histories]
    """Returns histories · weights for a penalty without the weights, which take longer. Scores of movies of
    the history may differ, as they are not ranked."""

    def fit(self, l2: float) -> ItemWeightsRanker:
        """Return the ranker."""
        return ItemWeightsRanker(self.movies, self.solve(l2), self.decay, self.n_movies)

    def weigh_histories(self, queries: Sequence[RankingQuery]) -> Histories:
        """Return the decayed weights of the histories."""
        position = positions(self.movies, self.n_movies)
        histories = np.zeros((len(queries), len(self.movies)), np.float32)
        for row, query in zip(histories, queries, strict=True):
            column = position[query.history]
            np.add.at(row, column[column >= 0], query.decayed_weights(self.decay)[column >= 0])
        return histories


def _regressions(ratings: FittedRatings, params: ItemParams) -> Iterator[tuple[str, Regression]]:
    """Yield the name and the regression of each item ranker with a penalty."""
    movies = frequent_movies(ratings)
    gram, cross = sum_products(ratings, movies, params.decay, params.length)
    solve, score = partial(solve_ridge, gram, cross), partial(score_ridge, gram, cross)
    yield "next_movie", Regression(movies, params.decay, ratings.n_movies, solve, score)
    del gram, cross, solve, score
    counts = cooccurrence_counts(ratings, movies)
    solve, score = partial(solve_ease, counts), partial(score_ease, counts)
    yield "ease", Regression(movies, 1.0, ratings.n_movies, solve, score)


def mean_gain(scores: Histories, movies: Int64[np.ndarray, " frequent"], held_out: HeldOutQueries) -> float:
    """Return the mean of 1 / log2(rank + 1), the gain of NDCG, over the held-out movies of the first queries.

    They are ranked among the movies that the history lacks.

    Args:
        scores: of each query for ``movies``; all other movies score 0.
        movies: rows of the movies.
        held_out: the queries and, perhaps, more.
    """
    gains = []
    for row, query, targets in zip(scores, held_out.queries, held_out.targets, strict=False):
        by_movie = np.zeros(held_out.ratings.n_movies, np.float32)
        by_movie[movies] = row
        by_movie[query.history] = -np.inf
        gains.append((1 / np.log2(ranks(by_movie, by_movie[targets]) + 1)).mean())
    return float(np.mean(gains)) if gains else 0.0

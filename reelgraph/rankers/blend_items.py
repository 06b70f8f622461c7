"""The item rankers of the blend, with L2 penalties selected on held-out ratings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from typing import Annotated

import numpy as np
from jaxtyping import Int64
from pydantic import Field
from scipy.sparse import csr_matrix

from reelgraph.params.base import Section
from reelgraph.rankers.ease import solve_ease
from reelgraph.rankers.held_out import HeldOutQueries
from reelgraph.rankers.item_weights import ItemWeightsRanker, Matrix, cooccurrence_counts, positions
from reelgraph.rankers.next_movie import solve_ridge, sum_products
from reelgraph.rankers.ranker import FittedRatings, frequent_movies, ranks

MAX_SELECTION_QUERIES = 500
"""Queries that a penalty is selected on, at most."""

DAMPING = 5.0
"""Transitions to none of the movies that are added to those of each movie."""
LAST_ONLY = 0.0
"""The decay with which only the last movie of a history counts, as 0⁰ = 1."""

Solve = Callable[[float], Matrix]
"""Returns the weights of an item ranker for an L2 penalty."""


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
    for name, fit_regression in _regressions(ratings, params):
        rankers = {l2: fit_regression(l2) for l2 in params.l2}
        gain = {l2: mean_gain(ranker, held_out) for l2, ranker in rankers.items()}
        penalties[name] = max(gain, key=lambda l2: (gain[l2], -l2))
        items[name] = rankers[penalties[name]]
    return items, penalties


def fit_items(
    ratings: FittedRatings, params: ItemParams, penalties: dict[str, float]
) -> dict[str, ItemWeightsRanker]:
    """Return the item rankers with the given penalties."""
    items = {"last_movie": fit_last_movie(ratings, frequent_movies(ratings))}
    for name, fit_regression in _regressions(ratings, params):
        items[name] = fit_regression(penalties[name])
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


def _regressions(
    ratings: FittedRatings, params: ItemParams
) -> Iterator[tuple[str, Callable[[float], ItemWeightsRanker]]]:
    """Yield each item ranker's name, and a function that fits it with a penalty."""
    movies = frequent_movies(ratings)

    def fit(solve: Solve, decay: float, l2: float) -> ItemWeightsRanker:
        return ItemWeightsRanker(movies, solve(l2), decay, ratings.n_movies)

    gram, cross = sum_products(ratings, movies, params.decay, params.length)
    yield "next_movie", partial(fit, partial(solve_ridge, gram, cross), params.decay)
    yield "ease", partial(fit, partial(solve_ease, cooccurrence_counts(ratings, movies)), 1.0)


def mean_gain(ranker: ItemWeightsRanker, held_out: HeldOutQueries) -> float:
    """Return the mean of 1 / log2(rank + 1), the gain of NDCG, over the held-out movies.

    They are ranked among the movies that the history lacks.
    """
    gains = []
    pairs = zip(held_out.queries, held_out.targets, strict=True)
    for query, targets in islice(pairs, MAX_SELECTION_QUERIES):
        scores = ranker.score(query)
        scores[query.history] = -np.inf
        gains.append((1 / np.log2(ranks(scores, scores[targets]) + 1)).mean())
    return float(np.mean(gains)) if gains else 0.0

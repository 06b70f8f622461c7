"""The item rankers of the blend, with L2 penalties selected on held-out ratings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from jaxtyping import Float, Float32
from pydantic import Field

from reelgraph.params.base import Section
from reelgraph.rankers.ease import solve_ease
from reelgraph.rankers.held_out import HeldOutQueries
from reelgraph.rankers.item_weights import ItemWeightsRanker, cooccurrence_counts
from reelgraph.rankers.last_movie import fit_last_movie
from reelgraph.rankers.next_movie import Matrix, solve_ridge, sum_products
from reelgraph.rankers.ranker import FittedRatings, frequent_movies

MAX_SELECTION_QUERIES = 500
"""Queries that a penalty is selected on, at most."""

Solve = Callable[[float], Matrix]
"""Returns the weights of an item ranker for an L2 penalty."""


class ItemParams(Section):
    """Params of the item rankers."""

    decay: float = Field(gt=0, lt=1)
    """Weight of a rating of the history against that of the next newer one, above 0, below 1."""

    length: int = Field(ge=1, le=1000)
    """Last ratings of a history that predict the next movie, 1 to 1000."""

    l2: list[float] = Field(min_length=1)
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
    items = {"last_movie": _fit_last_movie(ratings)}
    penalties = {}
    for name, ranker_of in _regressions(ratings, params):
        rankers = {l2: ranker_of(l2) for l2 in params.l2}
        gain = {l2: mean_gain(ranker, held_out) for l2, ranker in rankers.items()}
        penalties[name] = max(gain, key=lambda l2: (gain[l2], -l2))
        items[name] = rankers[penalties[name]]
    return items, penalties


def fit_items(
    ratings: FittedRatings, params: ItemParams, penalties: dict[str, float]
) -> dict[str, ItemWeightsRanker]:
    """Return the item rankers with the given penalties."""
    items = {"last_movie": _fit_last_movie(ratings)}
    for name, ranker_of in _regressions(ratings, params):
        items[name] = ranker_of(penalties[name])
    return items


def _fit_last_movie(ratings: FittedRatings) -> ItemWeightsRanker:
    return fit_last_movie(ratings, frequent_movies(ratings))


def _regressions(
    ratings: FittedRatings, params: ItemParams
) -> Iterator[tuple[str, Callable[[float], ItemWeightsRanker]]]:
    """Yield each item ranker's name, and a function that fits it with a penalty."""
    movies = frequent_movies(ratings)

    def ranker(solve: Solve, decay: float, l2: float) -> ItemWeightsRanker:
        return ItemWeightsRanker(movies, solve(l2), decay, ratings.n_movies)

    gram, cross = sum_products(ratings, movies, params.decay, params.length)
    yield "next_movie", partial(ranker, partial(solve_ridge, gram, cross), params.decay)
    yield "ease", partial(ranker, partial(solve_ease, cooccurrence_counts(ratings, movies)), 1.0)


def mean_gain(ranker: ItemWeightsRanker, held_out: HeldOutQueries) -> float:
    """Return the mean of 1 / log2(rank + 1), the gain of NDCG, over the held-out movies.

    They are ranked among the movies that the history lacks.
    """
    gains = []
    pairs = zip(held_out.queries, held_out.targets, strict=True)
    for query, targets in list(pairs)[:MAX_SELECTION_QUERIES]:
        scores = ranker.score(query)
        scores[query.history] = -np.inf
        gains.append((1 / np.log2(_ranks(scores, scores[targets]) + 1)).mean())
    return float(np.mean(gains)) if gains else 0.0


def _ranks(
    scores: Float32[np.ndarray, " movies"], targets: Float32[np.ndarray, " targets"]
) -> Float[np.ndarray, " targets"]:
    """Return the rank from 1 of each target; ties share their mean rank."""
    above = (scores[None] > targets[:, None]).sum(axis=1)
    equal = (scores[None] == targets[:, None]).sum(axis=1)
    return 1 + above + (equal - 1) / 2

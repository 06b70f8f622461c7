"""The candidates that a ranker's regression is fitted on: movies with high scores, and a sample."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Bool, Float, Float32, Int64

from reelgraph.rankers.held_out import HeldOutQueries
from reelgraph.rankers.listwise import Choices
from reelgraph.rankers.ranker import RankingQuery

TOP_CANDIDATES = 200
"""Movies with the highest scores of a query, all of which are candidates."""
SAMPLED_CANDIDATES = 400
"""Candidates from the other movies; each stands for several."""


def collect_choices(
    features: Callable[[RankingQuery], Float32[np.ndarray, "movies features"]],
    top_columns: Sequence[int],
    held_out: HeldOutQueries,
    rng: np.random.Generator,
) -> Choices:
    """Return the candidates of all held-out queries.

    The likelihood of a softmax over all movies that anybody has rated is estimated without bias: a sampled
    candidate has the weight of the movies that it stands for. A movie without any rating cannot be a target:
    it would teach that movies which the ranker knows by their content alone are not watched.

    Args:
        features: computes the features of all movies for a query.
        top_columns: features whose standardised sum decides which movies are at the top.
        held_out: queries, and the movies that their users rated next.
        rng: samples the other candidates.
    """
    size = min(held_out.ratings.n_movies, TOP_CANDIDATES + SAMPLED_CANDIDATES)
    shape = (len(held_out.queries), size)
    values = []
    log_weight = np.full(shape, -np.inf)
    target = np.zeros(shape)
    for i, (query, targets) in enumerate(zip(held_out.queries, held_out.targets, strict=True)):
        computed = features(query)
        movies, weight = _sample_candidates(computed[:, top_columns], query, targets, held_out.rated, rng)
        padding = np.zeros((size - len(movies), computed.shape[1]), np.float32)
        values.append(np.concatenate([computed[movies], padding]))
        log_weight[i, : len(movies)] = np.log(weight)
        target[i, : len(movies)] = np.isin(movies, targets) / len(targets)
    return Choices(np.stack(values), log_weight, target)


def _sample_candidates(
    columns: Float32[np.ndarray, "movies columns"],
    query: RankingQuery,
    targets: Int64[np.ndarray, " _"],
    rated: Bool[np.ndarray, " movies"],
    rng: np.random.Generator,
) -> tuple[Int64[np.ndarray, " candidates"], Float[np.ndarray, " candidates"]]:
    """Return the candidates, and the number of movies that each stands for."""
    deviation = columns.std(axis=0)
    base = (columns / np.where(deviation > 0, deviation, 1)).sum(axis=1)
    base[~rated] = -np.inf
    base[query.history] = -np.inf
    base[targets] = np.inf
    order = np.argsort(-base, kind="stable")
    possible = order[: len(order) - np.isneginf(base).sum()]
    top = possible[:TOP_CANDIDATES]
    others = possible[TOP_CANDIDATES:]
    sampled = rng.choice(others, min(SAMPLED_CANDIDATES, len(others)), replace=False)
    weight = np.ones(len(top) + len(sampled))
    weight[len(top) :] = len(others) / max(len(sampled), 1)
    return np.append(top, sampled), weight

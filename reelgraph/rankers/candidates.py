"""The candidates that a ranker's regression is fitted on: movies with high scores, and a sample."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32, Int64

from reelgraph.rankers.held_out import HeldOutQueries
from reelgraph.rankers.listwise import Choices
from reelgraph.rankers.ranker import RankingQuery, SelectedRows
from reelgraph.runtime.errors import TrainingError

TOP_CANDIDATES = 200
"""Movies with the highest scores of a query, all of which are candidates."""
SAMPLED_CANDIDATES = 400
"""Candidates from the other movies; each stands for several."""


@dataclass(frozen=True)
class QueryFeatures:
    """The features of movies for a query."""

    top: Float32[np.ndarray, "movies top"]
    """Of all movies, those whose standardised sum decides which movies are candidates with high scores."""
    select: Callable[[SelectedRows], Float32[np.ndarray, "selected features"]]
    """Computes all features of some movies."""


def collect_choices(
    features: Callable[[RankingQuery], QueryFeatures],
    held_out: HeldOutQueries,
    rng: np.random.Generator,
) -> Choices:
    """Return the candidates of all held-out queries.

    The likelihood of a softmax over all movies that anybody has rated is estimated without bias: a sampled
    candidate has the weight of the movies that it stands for. A movie without any rating cannot be a target:
    it would teach that movies which the ranker knows by their content alone are not watched.

    Args:
        features: computes the features of movies for a query.
        held_out: queries, and the movies that their users rated next.
        rng: samples the other candidates.

    Raises:
        TrainingError: there is no query.
    """
    if not held_out.queries:
        raise TrainingError("data/sequences", "a user with a history and a fitted rating after it", "none",
                            "Add ratings.")  # fmt: skip
    size = min(held_out.ratings.n_movies, TOP_CANDIDATES + SAMPLED_CANDIDATES)
    shape = (len(held_out.queries), size)
    values = []
    log_weight = np.full(shape, -np.inf)
    target = np.zeros(shape)
    for i, (query, targets) in enumerate(zip(held_out.queries, held_out.targets, strict=True)):
        computed = features(query)
        movies, weight = _sample_candidates(computed.top, query, targets, held_out.rated, rng)
        selected = computed.select(movies)
        padding = np.zeros((size - len(movies), selected.shape[1]), np.float32)
        values.append(np.concatenate([selected, padding]))
        log_weight[i, : len(movies)] = np.log(weight)
        target[i, : len(movies)] = np.isin(movies, targets) / len(targets)
    return Choices(np.stack(values), log_weight, target)


def _sample_candidates(
    columns: Float32[np.ndarray, "movies top"],
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
    possible = np.flatnonzero(~np.isneginf(base))
    is_top = _is_largest(base[possible], TOP_CANDIDATES)
    top = possible[is_top]
    others = possible[~is_top]
    sampled = rng.choice(others, min(SAMPLED_CANDIDATES, len(others)), replace=False)
    weight = np.ones(len(top) + len(sampled))
    weight[len(top) :] = len(others) / max(len(sampled), 1)
    return np.append(top, sampled), weight


def _is_largest(values: Float32[np.ndarray, " n"], count: int) -> Bool[np.ndarray, " n"]:
    """Return a mask of the largest values; of equal ones, the first."""
    if len(values) <= count:
        return np.ones(len(values), bool)
    threshold = np.partition(values, -count)[-count]
    mask = values > threshold
    mask[np.flatnonzero(values == threshold)[: count - mask.sum()]] = True
    return mask

"""The candidates that the blend's regression is fitted on: movies with high scores, and a sample."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float32, Int64

from reelgraph.rankers.blend_features import FEATURES, FLOORS, BlendFeatures
from reelgraph.rankers.held_out import HeldOutQueries
from reelgraph.rankers.listwise import Choices
from reelgraph.rankers.ranker import RankingQuery

TOP_CANDIDATES = 200
"""Movies with the highest scores of a query, all of which are candidates."""
SAMPLED_CANDIDATES = 400
"""Candidates from the other movies; each stands for several."""
TOP_FEATURES = (*range(len(FLOORS)), FEATURES.index("recent_popularity"))
"""Columns of the features whose standardised sum decides which movies are at the top."""


def collect_choices(features: BlendFeatures, held_out: HeldOutQueries, rng: np.random.Generator) -> Choices:
    """Return the candidates of all held-out queries.

    The likelihood of a softmax over all movies is estimated without bias: a sampled candidate has the weight
    of the movies that it stands for.
    """
    size = min(len(features.year), TOP_CANDIDATES + SAMPLED_CANDIDATES)
    shape = (len(held_out.queries), size)
    values = np.zeros((*shape, len(FEATURES)), np.float32)
    log_weight = np.full(shape, -np.inf)
    target = np.zeros(shape)
    for i, (query, targets) in enumerate(zip(held_out.queries, held_out.targets, strict=True)):
        computed = features.compute(query)
        movies, weight = _sample_candidates(computed, query, targets, rng)
        values[i, : len(movies)] = computed[movies]
        log_weight[i, : len(movies)] = np.log(weight)
        target[i, : len(movies)] = np.isin(movies, targets) / len(targets)
    return Choices(values, log_weight, target)


def _sample_candidates(
    computed: Float32[np.ndarray, "movies features"],
    query: RankingQuery,
    targets: Int64[np.ndarray, " _"],
    rng: np.random.Generator,
) -> tuple[Int64[np.ndarray, " candidates"], Float[np.ndarray, " candidates"]]:
    """Return the candidates, and the number of movies that each stands for."""
    columns = computed[:, TOP_FEATURES]
    deviation = columns.std(axis=0)
    base = (columns / np.where(deviation > 0, deviation, 1)).sum(axis=1)
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

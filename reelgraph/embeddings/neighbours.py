"""The nearest neighbours of movies: whether they are of their kind, and whether some are everybody's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from jaxtyping import Float64, Int64

K = 10
CHUNK = 1 << 10

Neighbours = Int64[np.ndarray, "queries k"]


def nearest_neighbours(
    unit: Float64[np.ndarray, "movies dim"], queries: Int64[np.ndarray, " queries"]
) -> Neighbours:
    """Return the 10 movies of the highest cosine with each query, itself left out, the nearest first.

    Exact, in float32, by matrix products over 1,024 queries at a time. Fewer where there are not 11 movies.
    """
    rows = torch.from_numpy(unit.astype(np.float32))
    k = min(K, len(unit) - 1)
    parts = [part.topk(k, dim=1).indices for part in _cosines(rows, torch.from_numpy(queries))]
    return torch.cat([torch.zeros((0, k), dtype=torch.int64), *parts]).numpy()


def _cosines(rows: torch.Tensor, queries: torch.Tensor) -> Iterator[torch.Tensor]:
    for some in queries.split(CHUNK):
        cosines = rows[some] @ rows.T
        cosines[torch.arange(len(some)), some] = -2
        yield cosines


def hubness(neighbours: Neighbours, movies: int) -> float:
    """Return the skewness of how many movies have a movie among their 10 nearest (Radovanović et al. 2010).

    0: all are neighbours equally often; above about 2, a few hubs are neighbours of everybody. If the
    queries are a sample, the moments over all movies are estimated without bias: of a count that is
    sampled without replacement, falling factorials shrink as those of the sample's size do.
    """
    queries = len(neighbours)
    counts = np.bincount(neighbours.ravel(), minlength=movies).astype(np.float64)
    first, second, third = (
        _falling(counts, order).mean() * _falling(movies, order) / max(_falling(queries, order), 1)
        for order in (1, 2, 3)
    )
    square, cube = second + first, third + 3 * second + first
    variance = square - first**2
    if variance <= 0:
        return 0.0
    return float((cube - 3 * first * square + 2 * first**3) / variance**1.5)


def _falling(values: np.ndarray | int, order: int) -> Any:
    """Return n (n − 1) … with ``order`` factors."""
    return np.prod([np.asarray(values, np.float64) - step for step in range(order)], axis=0)


def neighbour_agreement(
    neighbours: Neighbours, queries: Int64[np.ndarray, " queries"], entity: Int64[np.ndarray, " movies"]
) -> float:
    """Return the share of neighbours that have the query's entity, over queries that have one; 0 if none has.

    Args:
        neighbours: of each query.
        queries: rows of the movies that were asked about.
        entity: a movie's entity of one type; −1: none.
    """
    known = entity[queries] >= 0
    if not neighbours[known].size:
        return 0.0
    return float((entity[neighbours[known]] == entity[queries[known], None]).mean())

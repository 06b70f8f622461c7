"""Nearest neighbours by cosine: search, hubness, and agreement of neighbours in their entities."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from jaxtyping import Float64, Int64

N_NEIGHBOURS = 10
CHUNK = 1 << 10

Neighbours = Int64[np.ndarray, "queries k"]


def nearest_neighbours(
    unit: Float64[np.ndarray, "movies dim"], queries: Int64[np.ndarray, " queries"]
) -> Neighbours:
    """Return the 10 movies with the highest cosine to each query, nearest first, without the query itself.

    The search is exact, in float32. With fewer than 11 movies there are fewer neighbours.
    """
    rows = torch.from_numpy(unit.astype(np.float32))
    k = min(N_NEIGHBOURS, len(unit) - 1)
    parts = [part.topk(k, dim=1).indices for part in _cosines(rows, torch.from_numpy(queries))]
    return torch.cat([torch.zeros((0, k), dtype=torch.int64), *parts]).numpy()


def _cosines(rows: torch.Tensor, queries: torch.Tensor) -> Iterator[torch.Tensor]:
    """Yield the cosines of chunks of queries with all rows; −2 for the query itself."""
    for chunk in queries.split(CHUNK):
        cosines = rows[chunk] @ rows.T
        cosines[torch.arange(len(chunk)), chunk] = -2
        yield cosines


def hubness(neighbours: Neighbours, n_movies: int) -> float:
    """Return the skewness of how often a movie is among the 10 nearest of another (Radovanović et al. 2010).

    0 means that all movies are neighbours equally often; above about 2, a few hubs are neighbours of many
    movies. If the queries are a sample, the moments over all movies are estimated without bias, from the
    falling factorials of counts that are sampled without replacement.
    """
    n_queries = len(neighbours)
    counts = np.bincount(neighbours.ravel(), minlength=n_movies).astype(np.float64)
    first, second, third = (
        _falling_factorial(counts, order).mean()
        * _falling_factorial(n_movies, order)
        / max(_falling_factorial(n_queries, order), 1)
        for order in (1, 2, 3)
    )
    square = second + first
    cube = third + 3 * second + first
    variance = square - first**2
    if variance <= 0:
        return 0.0
    return float((cube - 3 * first * square + 2 * first**3) / variance**1.5)


def _falling_factorial(values: np.ndarray | int, order: int) -> Any:
    """Return n (n − 1) … with ``order`` factors."""
    return np.prod([np.asarray(values, np.float64) - step for step in range(order)], axis=0)


def neighbour_agreement(
    neighbours: Neighbours, queries: Int64[np.ndarray, " queries"], entities: Int64[np.ndarray, " movies"]
) -> float:
    """Return the fraction of neighbours with the query's entity, over queries that have one; 0 if none has.

    Args:
        neighbours: of each query.
        queries: rows of the query movies.
        entities: the entity of each movie, of one type; −1: none.
    """
    has_entity = entities[queries] >= 0
    if not neighbours[has_entity].size:
        return 0.0
    return float((entities[neighbours[has_entity]] == entities[queries[has_entity], None]).mean())

"""What the catalogue says of a movie, as the Gaussian process reads it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float32, Float64, Int64
from scipy.sparse.linalg import svds
from threadpoolctl import threadpool_limits

from reelgraph.schemas.kg import KnowledgeGraph, Relation

TEXT_DIM = 32
"""Dimensions that are kept of the movie vectors: more say little and cost time."""

HALF_DECADES = 23
FIRST_YEAR, LAST_YEAR = 1910, 2024


@dataclass(frozen=True)
class MovieContent:
    """One row a movie. Entities of all types are numbered in one table, from 1; 0 is none."""

    entity_blocks: tuple[Int64[np.ndarray, "movies _"], ...]
    """For each entity type the movie's entities, as many columns as a movie has at most."""
    year: Float64[np.ndarray, " n_movies"]
    """Release year; the mean of the known ones where it is missing."""
    vectors: Float32[np.ndarray, "movies dim"]
    """Unit vectors of the movies, reduced to at most 32 dimensions."""

    @property
    def n_movies(self) -> int:
        """Number of movies."""
        return len(self.year)

    def shared_only(self) -> tuple[Int64[np.ndarray, "movies _"], ...]:
        """Return the blocks without entities that one movie alone has, numbered anew."""
        last = max((int(block.max(initial=0)) for block in self.entity_blocks), default=0)
        times = np.zeros(last + 1, np.int64)
        for block in self.entity_blocks:
            times += np.bincount(block.ravel(), minlength=last + 1)
        times[0] = 0
        number = np.where(times > 1, np.cumsum(times > 1), 0)
        return tuple(number[block] for block in self.entity_blocks)

    def design_matrix(self) -> sp.csr_matrix:
        """Return the regressors of a movie's mean: shared entities, half decades, vectors."""
        tokens = np.concatenate([np.zeros((self.n_movies, 1), np.int64), *self.shared_only()], axis=1)
        movie, column = np.nonzero(tokens)
        width = max(int(tokens.max()), 1)
        entities = sp.csr_matrix(
            (np.ones(len(movie)), (movie, tokens[movie, column] - 1)), (self.n_movies, width)
        )
        half_decade = ((self.year.clip(FIRST_YEAR, LAST_YEAR) - FIRST_YEAR) // 5).astype(int)
        years = sp.csr_matrix(
            (np.ones(self.n_movies), (np.arange(self.n_movies), half_decade)), (self.n_movies, HALF_DECADES)
        )
        return sp.hstack([entities, years, sp.csr_matrix(self.vectors)]).tocsr()


def build_movie_content(
    graph: KnowledgeGraph,
    year: Float64[np.ndarray, " movies"],
    vectors: Sequence[Float32[np.ndarray, "movies _"]],
) -> MovieContent:
    """Gather what is known of the graph's movies.

    Args:
        graph: movies and entities.
        year: release years; NaN where unknown.
        vectors: sets of movie vectors, each of equal weight whatever its lengths.
    """
    blocks, first = [], 1
    for relation in graph.relations.values():
        blocks.append(_block(relation, len(graph.movie_ids), first))
        first += len(relation.entity_names)
    known = year[~np.isnan(year)]
    middle = float(known.mean()) if len(known) else (FIRST_YEAR + LAST_YEAR) / 2
    return MovieContent(tuple(blocks), np.where(np.isnan(year), middle, year), _reduced(vectors))


def _block(relation: Relation, movies: int, first: int) -> Int64[np.ndarray, "movies _"]:
    """Lay a relation's edges out as columns; a movie's entities ascend from the left."""
    rows = relation.movie_rows
    place = np.arange(len(rows)) - np.searchsorted(rows, rows)
    block = np.zeros((movies, int(place.max(initial=0)) + 1), np.int64)
    block[rows, place] = relation.entity_index + first
    return block


def _reduced(vectors: Sequence[Float32[np.ndarray, "movies _"]]) -> Float32[np.ndarray, "movies reduced"]:
    """Join the sets' unit vectors, keep the leading singular directions, make the rows unit again."""
    unit = np.concatenate([_unit(each.astype(np.float64)) for each in vectors], axis=1)
    keep = min(TEXT_DIM, min(unit.shape) - 1)
    if keep < 1:
        return unit.astype(np.float32)
    with threadpool_limits(1):
        _, _, right = svds(unit, k=keep, v0=np.ones(min(unit.shape)))
    # The sign of a singular vector is arbitrary: the largest entry is made positive.
    right = right[::-1] * np.sign(right[::-1][np.arange(keep), np.abs(right[::-1]).argmax(axis=1)])[:, None]
    return _unit(unit @ right.T).astype(np.float32)


def _unit(rows: Float64[np.ndarray, "n dim"]) -> Float64[np.ndarray, "n dim"]:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)

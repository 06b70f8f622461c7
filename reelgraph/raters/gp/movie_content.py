"""Content of the movies as the Gaussian process reads it: entities, release year and content vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float32, Float64, Int64
from scipy.linalg import eigh
from threadpoolctl import threadpool_limits

from reelgraph.core.schemas.kg import KnowledgeGraph, Relation
from reelgraph.core.schemas.vectors import unit_rows

MAX_CONTENT_DIM = 32
"""Largest dimension of the reduced vectors: more dimensions add little and cost time."""
FIRST_YEAR = 1910
LAST_YEAR = 2024
N_YEAR_BINS = 23


@dataclass(frozen=True)
class MovieContent:
    """Content in the order of the movies. Entities of all types are numbered together, from 1; 0 is none."""

    entity_blocks: tuple[Int64[np.ndarray, "movies _"], ...]
    """For each entity type the movies' entities, in as many columns as a movie has at most."""
    year: Float64[np.ndarray, " movies"]
    """Release year; the mean of the others where it is missing."""
    vectors: Float32[np.ndarray, "movies dim"]
    """Unit vectors with at most ``MAX_CONTENT_DIM`` dimensions."""

    @property
    def n_movies(self) -> int:
        """Number of movies."""
        return len(self.year)

    def shared_entities(self) -> tuple[Int64[np.ndarray, "movies _"], ...]:
        """Return the blocks with only the entities that two or more movies share, renumbered from 1."""
        last = max((int(block.max(initial=0)) for block in self.entity_blocks), default=0)
        count = np.zeros(last + 1, np.int64)
        for block in self.entity_blocks:
            count += np.bincount(block.ravel(), minlength=last + 1)
        count[0] = 0
        number = np.where(count > 1, np.cumsum(count > 1), 0)
        return tuple(number[block] for block in self.entity_blocks)

    def design_matrix(self) -> sp.csr_matrix:
        """Return the regressors of a movie: indicators of shared entities and five-year bins, and vector."""
        all_movies = np.arange(self.n_movies)
        padding = np.zeros((self.n_movies, 1), np.int64)
        entities = np.concatenate([padding, *self.shared_entities()], axis=1)
        movie, position = np.nonzero(entities)
        entity = entities[movie, position] - 1
        entity_matrix = sp.csr_matrix(
            (np.ones(len(movie)), (movie, entity)), (self.n_movies, max(int(entities.max()), 1))
        )
        year_bin = ((self.year.clip(FIRST_YEAR, LAST_YEAR) - FIRST_YEAR) // 5).astype(int)
        year_matrix = sp.csr_matrix(
            (np.ones(self.n_movies), (all_movies, year_bin)), (self.n_movies, N_YEAR_BINS)
        )
        return sp.hstack([entity_matrix, year_matrix, sp.csr_matrix(self.vectors)]).tocsr()


def build_movie_content(
    graph: KnowledgeGraph,
    year: Float64[np.ndarray, " movies"],
    vectors: Sequence[Float32[np.ndarray, "movies _"]],
    n_fitted: int | None = None,
) -> MovieContent:
    """Build the content of the graph's movies.

    Args:
        graph: movies and entities.
        year: release years; NaN where unknown.
        vectors: sets of movie vectors. All have the same weight, as they are scaled to unit length.
        n_fitted: number of leading movies that the mean year and the singular vectors are of; None: all.
    """
    blocks = []
    first_number = 1
    for relation in graph.relations.values():
        blocks.append(_entity_block(relation, len(graph.movie_ids), first_number))
        first_number += len(relation.entity_names)
    if not blocks:  # a graph without relations: one type without entities
        blocks.append(np.zeros((len(graph.movie_ids), 1), np.int64))
    present = year[:n_fitted][~np.isnan(year[:n_fitted])]
    mean = float(present.mean()) if len(present) else (FIRST_YEAR + LAST_YEAR) / 2
    return MovieContent(tuple(blocks), np.where(np.isnan(year), mean, year), _reduce(vectors, n_fitted))


def _entity_block(relation: Relation, n_movies: int, first_number: int) -> Int64[np.ndarray, "movies _"]:
    """Return the entities of each movie in columns, ascending from the left; 0 is padding."""
    rows = relation.movie_rows
    column = np.arange(len(rows)) - np.searchsorted(rows, rows)
    block = np.zeros((n_movies, int(column.max(initial=0)) + 1), np.int64)
    block[rows, column] = relation.entity_index + first_number
    return block


def _reduce(
    vectors: Sequence[Float32[np.ndarray, "movies _"]], n_fitted: int | None
) -> Float32[np.ndarray, "movies reduced"]:
    """Concatenate the sets' unit vectors, project on the leading singular vectors and normalize the rows."""
    unit = np.concatenate([unit_rows(matrix.astype(np.float64)) for matrix in vectors], axis=1)
    fitted = unit[:n_fitted]
    n_columns = unit.shape[1]
    dim = min(MAX_CONTENT_DIM, n_columns)
    # Of the small matrix AᵀA: iterative solvers fail if the vectors are all zero.
    with threadpool_limits(1):
        _, right = eigh(fitted.T @ fitted, subset_by_index=(n_columns - dim, n_columns - 1))
    directions = right.T[::-1]
    # The sign of a singular vector is arbitrary: its largest entry is made positive.
    largest = directions[np.arange(dim), np.abs(directions).argmax(axis=1)]
    directions = directions * np.sign(largest)[:, None]
    return unit_rows(unit @ directions.T).astype(np.float32)

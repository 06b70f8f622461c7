"""What baselines read of the movies' content, shared by those with ``READS_CONTENT``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float32, Float64, Int64

from reelgraph.core.schemas.kg import KnowledgeGraph, read_kg
from reelgraph.core.schemas.movies import read_movies, release_years
from reelgraph.core.schemas.vectors import read_aligned, unit_rows
from reelgraph.sequences.dataset import UserHistories

Vectors = Literal["text", "graph", "both"]
"""Text vectors, movie embeddings of the graph without text, or both side by side."""

PEOPLE = ("actor", "director", "writer")
"""Entity types that are people."""

DECADES = np.arange(1930, 2021, 10)
"""Bounds of the bins of release years."""


@dataclass(frozen=True)
class MovieContent:
    """Content of the movies, in row order."""

    text: Float32[np.ndarray, "movies text"]
    """Text vectors."""
    graph_embedding: Float32[np.ndarray, "movies dim"]
    """Movie embeddings of the GNN that does not read the text."""
    graph: KnowledgeGraph
    year: Float64[np.ndarray, " movies"]
    """Release years; NaN where missing."""

    def unit_vectors(self, vectors: Vectors) -> Float64[np.ndarray, "movies dim"]:
        """Return centred vectors of length 1; of ``both``, each half has the same length."""
        sets = {
            "text": [self.text],
            "graph": [self.graph_embedding],
            "both": [self.text, self.graph_embedding],
        }
        parts = [unit_rows(part - part.mean(axis=0, dtype=np.float64)) for part in sets[vectors]]
        return np.concatenate(parts, axis=1) / np.sqrt(len(parts))

    def decades(self) -> Float64[np.ndarray, "movies decades"]:
        """Return the indicators of the decade of release; the first is that of a missing year too."""
        return np.eye(len(DECADES) + 1)[np.searchsorted(DECADES, np.nan_to_num(self.year), side="right")]

    def features(self) -> Float64[np.ndarray, "movies features"]:
        """Return the regressors of a movie: vectors, genres, decade of release and a constant."""
        genres = self.graph.entity_matrix(["genre"]).toarray()
        constant = np.ones((len(self.year), 1))
        return np.hstack([self.unit_vectors("both"), genres, self.decades(), constant])


def read_movie_content(folder: str = "data") -> MovieContent:
    """Read the content of the movies from the pipeline's data folder.

    Raises:
        ArtifactError: a file is missing or damaged.
    """
    table = read_movies(f"{folder}/movies.parquet", ("movie_id", "release_year"))
    movie_id = table["movie_id"].to_numpy()
    return MovieContent(
        read_aligned(f"{folder}/text_vectors.parquet", movie_id),
        read_aligned(f"{folder}/emb_kg_gnn.parquet", movie_id),
        read_kg(f"{folder}/kg"),
        release_years(table),
    )


def targets_by_history(
    histories: UserHistories, index: Int64[np.ndarray, " n"]
) -> Iterator[tuple[Int64[np.ndarray, " targets"], Int64[np.ndarray, " history"]]]:
    """Yield the targets that have the same history: their positions in ``index``, and its ratings."""
    start, end = histories.history_bounds(index)
    order = np.lexsort((end, start))
    changes = (np.diff(start[order]) != 0) | (np.diff(end[order]) != 0)
    for positions in np.split(order, np.flatnonzero(changes) + 1) if len(order) else []:
        yield positions, np.arange(start[positions[0]], end[positions[0]])

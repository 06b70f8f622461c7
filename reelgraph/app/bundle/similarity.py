"""Similarities of movies by audience, text or knowledge graph."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from jaxtyping import Float32, Float64

from reelgraph.app.bundle.format import VECTOR_NAMES, BundleContents
from reelgraph.app.bundle.results import SimilarMovie
from reelgraph.runtime.errors import InputError

KINDS = ("audience", *VECTOR_NAMES, "both")
AUDIENCE_DAMPING = 5.0
"""Ratings of a movie at which its similarity by audience is halved."""

Vectors = Float32[np.ndarray, "movies dim"]


class MovieSimilarity:
    """Cosines between movies.

    Args:
        contents: the bundle's text and graph vectors.
        audience_vectors: unit vectors whose cosine says how much the same users like two movies; None if the
            rater has none.
    """

    def __init__(self, contents: BundleContents, audience_vectors: Vectors | None) -> None:
        self.contents = contents
        self.catalog = contents.catalog
        self.audience_vectors = audience_vectors

    def default_kind(self, row: int) -> str:
        """Return the kind of similarity that fits a movie: ``audience``, or ``both`` without ratings."""
        has_ratings = self.audience_vectors is not None and self.catalog.rating_counts[row] > 0
        return "audience" if has_ratings else "both"

    def find_nearest(self, row: int, kind: str, top: int) -> list[SimilarMovie]:
        """Return the most similar movies, the nearest first.

        Raises:
            InputError: there is no such kind, or it is ``audience`` and the rater has no vectors.
        """
        similarity = self.similarities(row, kind)
        similarity[row] = -np.inf
        nearest = np.argsort(-similarity, kind="stable")[: min(top, len(similarity) - 1)]
        return [
            SimilarMovie(
                **self.catalog.identify(other),
                similarity=float(similarity[other]),
                shared_entities=tuple(self.catalog.shared_entities(row, other)),
            )
            for other in nearest.tolist()
        ]

    def similarities(self, row: int, kind: str) -> Float64[np.ndarray, " movies"]:
        """Return a movie's similarities; those by audience are shrunk to 0 for movies with few ratings.

        Raises:
            InputError: there is no such kind, or it is ``audience`` and the rater has no vectors.
        """
        if kind not in KINDS:
            raise InputError("by", f"one of {', '.join(KINDS)}", repr(kind), "Choose one of them.")
        if kind == "audience":
            if self.audience_vectors is None:
                rater = self.contents.config.rater.model.type
                raise InputError(
                    "by", "a rater that learns vectors of movies", rater, "Choose text, graph or both."
                )
            cosine = (self.audience_vectors @ self.audience_vectors[row]).astype(np.float64)
            return cosine * self.catalog.rating_counts / (self.catalog.rating_counts + AUDIENCE_DAMPING)
        vectors = self.vectors_of_both if kind == "both" else to_unit_vectors(self.contents.vectors[kind])
        return (vectors @ vectors[row]).astype(np.float64)

    @cached_property
    def vectors_of_both(self) -> Vectors:
        """Unit vectors of text and graph, concatenated and scaled by 1/√2: products are mean cosines."""
        both = [to_unit_vectors(self.contents.vectors[name]) for name in VECTOR_NAMES]
        return np.concatenate(both, axis=1) / np.float32(np.sqrt(2))


def to_unit_vectors(vectors: Vectors) -> Vectors:
    """Return the vectors divided by their lengths; a vector of zeros stays zero."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.float32(1e-9))

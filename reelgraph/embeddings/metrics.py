"""All metrics of an embedding set, after each postprocessing, and the plot of singular value spectra."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Float64, Int64

from reelgraph.core.schemas.kg import KnowledgeGraph
from reelgraph.core.seeds import subsample
from reelgraph.embeddings.embedding_sets import POSTPROCESSINGS, postprocess
from reelgraph.embeddings.isotropy import (
    MIN_NORM,
    effective_rank,
    isoscore,
    isotropy_statistics,
    singular_values,
    unit_vectors,
)
from reelgraph.embeddings.neighbours import hubness, nearest_neighbours, neighbour_agreement
from reelgraph.params.graph import Embeddings
from reelgraph.runtime.atomic_io import write_text
from reelgraph.runtime.plotting import new_figure, save_figure

AGREEMENT_TYPES = ("genre", "director", "company")
"""Entity types of which a movie has at most one, for the agreement of neighbours."""

Entities = Mapping[str, Int64[np.ndarray, " movies"]]
Spectra = Mapping[str, Float64[np.ndarray, " dim"]]


def movie_entities(graph: KnowledgeGraph) -> dict[str, Int64[np.ndarray, " movies"]]:
    """Return, for each of ``AGREEMENT_TYPES``, the entity index of each movie; −1: none."""
    entities = {}
    for entity_type in AGREEMENT_TYPES:
        entities[entity_type] = np.full(len(graph.movie_ids), -1)
        if entity_type in graph.relations:
            relation = graph.relations[entity_type]
            entities[entity_type][relation.movie_rows] = relation.entity_index
    return entities


def compute_embedding_metrics(
    vectors: Float32[np.ndarray, "movies dim"], entities: Entities, params: Embeddings, where: str
) -> dict[str, dict[str, float]]:
    """Return postprocessing → metric → value, without postprocessings that return zeros.

    Args:
        vectors: one row per movie.
        entities: of each movie, as ``movie_entities`` returns them.
        params: section ``embeddings``.
        where: name of the vectors in the error.

    Raises:
        ArtifactError: all vectors are zero.
    """
    double = vectors.astype(np.float64)
    distinct = distinct_rows(vectors)
    metrics: dict[str, dict[str, float]] = {}
    for method in POSTPROCESSINGS:
        processed = postprocess(double, method)
        if method == "raw" or processed.any():
            metrics[method] = _metrics(processed, distinct, entities, params, where)
    return metrics


def distinct_rows(vectors: Float32[np.ndarray, "movies dim"]) -> Int64[np.ndarray, " distinct"]:
    """Return the first row of each distinct vector, ascending.

    Movies with equal vectors, such as all movies without a text, are trivially nearest neighbours, and which
    ten of them a search returns is arbitrary.
    """
    row_type = np.dtype((np.void, vectors.dtype.itemsize * vectors.shape[1]))
    _, first = np.unique(np.ascontiguousarray(vectors).view(row_type).ravel(), return_index=True)
    return np.sort(first)


def _metrics(
    vectors: Float64[np.ndarray, "movies dim"],
    distinct: Int64[np.ndarray, " distinct"],
    entities: Entities,
    params: Embeddings,
    where: str,
) -> dict[str, float]:
    distinct_entities = {entity_type: rows[distinct] for entity_type, rows in entities.items()}
    return {
        **isotropy_statistics(unit_vectors(vectors, where), params.pairs, params.pair_seed),
        "effective_rank": effective_rank(singular_values(vectors)),
        "isoscore": isoscore(vectors),
        **_neighbour_metrics(vectors[distinct], distinct_entities, params),
    }


def _neighbour_metrics(
    vectors: Float64[np.ndarray, "distinct dim"], entities: Entities, params: Embeddings
) -> dict[str, float]:
    nonzero = np.linalg.norm(vectors, axis=1) > MIN_NORM
    unit = unit_vectors(vectors) if nonzero.any() else vectors[:0]
    queries = subsample(np.arange(len(unit)), params.knn_queries, np.random.default_rng(params.pair_seed))
    neighbours = nearest_neighbours(unit, queries)
    agreement = {
        f"{entity_type}_agreement_10": neighbour_agreement(neighbours, queries, rows[nonzero])
        for entity_type, rows in entities.items()
    }
    return {"hubness": hubness(neighbours, len(unit)), **agreement}


def write_spectra(spectra: Spectra, folder: Path | str) -> None:
    """Write NAME.tsv for ``dvc plots`` and spectra.png: singular values as fractions of the largest."""
    fractions = {name: values / values[0] for name, values in spectra.items()}
    for name, values in fractions.items():
        lines = [f"{rank}\t{value:.6g}" for rank, value in enumerate(values, start=1)]
        write_text("\n".join(["rank\tsingular_value", *lines, ""]), Path(folder) / f"{name}.tsv")
    figure, axes = new_figure("Spectra of the movie vectors", "rank", "singular value / largest")
    for name, values in fractions.items():
        axes.plot(np.arange(1, len(values) + 1), values, label=name, linewidth=1.5)
    axes.set(yscale="log", ylim=(1e-3, 1.1))
    axes.legend(frameon=False)
    save_figure(figure, Path(folder) / "spectra.png")

"""Everything that is measured of a set of vectors, after each treatment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Float64, Int64

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
from reelgraph.schemas.kg import KnowledgeGraph

SHARED = ("genre", "director", "company")
"""Entity types of which a movie has at most one."""

Entities = Mapping[str, Int64[np.ndarray, " movies"]]


def movie_entities(graph: KnowledgeGraph) -> dict[str, Int64[np.ndarray, " movies"]]:
    """Return the genre, director and company of each movie as an index; −1: none."""
    found = {}
    for kind in SHARED:
        found[kind] = np.full(len(graph.movie_ids), -1)
        if kind in graph.relations:
            relation = graph.relations[kind]
            found[kind][relation.movie_rows] = relation.entity_index
    return found


def compute_embedding_metrics(
    vectors: Float32[np.ndarray, "movies dim"], entities: Entities, params: Embeddings, where: str
) -> dict[str, dict[str, float]]:
    """Return treatment → statistic → value; without the treatments that leave nothing of the vectors.

    Args:
        vectors: one row a movie.
        entities: of each movie, as ``entities_of`` gives them.
        params: section ``embeddings``.
        where: names the vectors in the error.

    Raises:
        ArtifactError: no vector has a direction.
    """
    wide, distinct = vectors.astype(np.float64), distinct_rows(vectors)
    found: dict[str, dict[str, float]] = {}
    for treatment in POSTPROCESSINGS:
        rows = postprocess(wide, treatment)
        if treatment == "raw" or rows.any():
            found[treatment] = _statistics(rows, distinct, entities, params, where)
    return found


def distinct_rows(vectors: Float32[np.ndarray, "movies dim"]) -> Int64[np.ndarray, " distinct"]:
    """Return the first row of each vector that occurs, ascending.

    Movies of one vector, such as all without a text, are each other's nearest neighbours for no reason of
    their own, and which ten of them a search returns is chance.
    """
    whole = np.dtype((np.void, vectors.dtype.itemsize * vectors.shape[1]))
    _, first = np.unique(np.ascontiguousarray(vectors).view(whole).ravel(), return_index=True)
    return np.sort(first)


def _statistics(
    rows: Float64[np.ndarray, "movies dim"],
    distinct: Int64[np.ndarray, " distinct"],
    entities: Entities,
    params: Embeddings,
    where: str,
) -> dict[str, float]:
    unit = unit_vectors(rows, where)
    return {
        **isotropy_statistics(unit, params.pairs, params.pair_seed),
        "effective_rank": effective_rank(singular_values(rows)),
        "isoscore": isoscore(rows),
        **_of_neighbours(rows[distinct], {k: entity[distinct] for k, entity in entities.items()}, params),
    }


def _of_neighbours(
    rows: Float64[np.ndarray, "distinct dim"], entities: Entities, params: Embeddings
) -> dict[str, float]:
    kept = np.linalg.norm(rows, axis=1) > MIN_NORM
    unit = unit_vectors(rows) if kept.any() else rows[:0]
    queries = np.arange(len(unit))
    if len(unit) > params.knn_queries:
        draw = np.random.default_rng(params.pair_seed)
        queries = np.sort(draw.choice(len(unit), params.knn_queries, replace=False))
    found = nearest_neighbours(unit, queries)
    shares = {
        f"{k}_agreement_10": neighbour_agreement(found, queries, entity[kept])
        for k, entity in entities.items()
    }
    return {"hubness": hubness(found, len(unit)), **shares}


Spectra = Mapping[str, Float64[np.ndarray, " dim"]]


def write_spectra(spectra: Spectra, folder: Path | str) -> None:
    """Write NAME.tsv for ``dvc plots`` and spectra.png: singular values as shares of the largest."""
    shares = {name: values / values[0] for name, values in spectra.items()}
    for name, share in shares.items():
        lines = [f"{rank}\t{value:.6g}" for rank, value in enumerate(share, start=1)]
        write_text("\n".join(["rank\tsingular_value", *lines, ""]), Path(folder) / f"{name}.tsv")
    drawn, axes = new_figure("Spectra of the movie vectors", "rank", "singular value / largest")
    for name, share in shares.items():
        axes.plot(np.arange(1, len(share) + 1), share, label=name, linewidth=1.5)
    axes.set(yscale="log", ylim=(1e-3, 1.1))
    axes.legend(frameon=False)
    save_figure(drawn, Path(folder) / "spectra.png")

"""Stage embeddings: what the vectors of each kind are worth, side by side."""

from __future__ import annotations

from reelgraph.core.torch_setup import prepare
from reelgraph.embeddings.measure import entities_of, measure
from reelgraph.embeddings.plots import write_spectra
from reelgraph.embeddings.sets import SETS, random_vectors
from reelgraph.embeddings.spectrum import singular_values
from reelgraph.params.embeddings import EmbeddingsParams
from reelgraph.runtime.atomic_io import write_metrics
from reelgraph.runtime.stage_runner import run
from reelgraph.schemas.kg import read_kg
from reelgraph.schemas.vectors import aligned, read_vectors


def work(params: EmbeddingsParams) -> str:
    """Measure every set of vectors after each treatment; write the figures and the spectra."""
    prepare(params.compute)
    graph = read_kg("data/kg")
    sets = {name: aligned(graph.movie_ids, *read_vectors(path), path) for name, path in SETS.items()}
    movies, dim = sets["kg_gnn_bert"].shape
    sets["random"] = random_vectors(movies, dim, params.seed)
    entities = entities_of(graph)
    measured = {
        name: measure(vectors, entities, params.embeddings, f"the vectors {name}")
        for name, vectors in sets.items()
    }
    spectra = {name: singular_values(vectors.astype("float64")) for name, vectors in sets.items()}
    write_spectra(spectra, "plots/embeddings")
    write_metrics(measured, "metrics/embeddings.json")
    return ", ".join(f"{name} IsoScore {each['raw']['isoscore']:.3f}" for name, each in measured.items())


if __name__ == "__main__":
    run("embeddings", EmbeddingsParams, work)

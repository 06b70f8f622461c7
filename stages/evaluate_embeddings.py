"""Stage evaluate_embeddings: measure isotropy, spectrum and neighbours of each embedding set."""

from __future__ import annotations

from reelgraph.core.schemas.kg import read_kg
from reelgraph.core.schemas.reports import write_metrics, write_report
from reelgraph.core.schemas.vectors import read_aligned
from reelgraph.core.torch_setup import configure_torch
from reelgraph.embeddings.embedding_sets import EMBEDDING_FILES, random_embeddings
from reelgraph.embeddings.isotropy import singular_values
from reelgraph.embeddings.metrics import compute_embedding_metrics, movie_entities, write_spectra
from reelgraph.params.graph import EvaluateEmbeddingsParams
from reelgraph.runtime.stage_runner import run_stage


def main(params: EvaluateEmbeddingsParams) -> str:
    """Measure each set before and after postprocessing; write the metrics and the spectra."""
    configure_torch(params.compute)
    graph = read_kg("data/kg")
    embeddings = {name: read_aligned(path, graph.movie_ids) for name, path in EMBEDDING_FILES.items()}
    n_movies, dim = embeddings["kg_gnn_bert"].shape
    embeddings["random"] = random_embeddings(n_movies, dim, params.seed)
    entities = movie_entities(graph)
    metrics = {
        name: compute_embedding_metrics(vectors, entities, params.embeddings, f"the vectors {name}")
        for name, vectors in embeddings.items()
    }
    spectra = {name: singular_values(vectors.astype("float64")) for name, vectors in embeddings.items()}
    write_spectra(spectra, "plots/embeddings")
    write_report("embeddings", metrics)
    write_metrics({"isoscore": metrics["kg_gnn_bert"]["raw"]["isoscore"]}, "metrics/embeddings.json")
    return ", ".join(f"{name} IsoScore {rows['raw']['isoscore']:.3f}" for name, rows in metrics.items())


if __name__ == "__main__":
    run_stage("evaluate_embeddings", EvaluateEmbeddingsParams, main)

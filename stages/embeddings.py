"""Stage embeddings: what the vectors of each kind are worth, side by side."""

from __future__ import annotations

from pathlib import Path

from reelgraph.door import run
from reelgraph.files import write_metrics
from reelgraph.gnn.quality import statistics
from reelgraph.params.embeddings import EmbeddingsParams
from reelgraph.schemas.vectors import read_vectors

SETS = {
    "kg_gnn": Path("data/emb_kg_gnn.parquet"),
    "kg_gnn_bert": Path("data/emb_kg_gnn_bert.parquet"),
    "text": Path("data/text_vectors.parquet"),
    "projected": Path("data/movie_features.parquet"),
}
METRICS = Path("metrics/embeddings.json")


def embeddings(params: EmbeddingsParams) -> str:
    """Measure every set of vectors."""
    measured = {}
    for name, path in SETS.items():
        _, vectors = read_vectors(path)
        raw = statistics(vectors, params.embeddings.pairs, params.embeddings.pair_seed, str(path))
        measured[name] = {"raw": raw}
    write_metrics(measured, METRICS)
    return ", ".join(f"{name} anisotropy {each['raw']['anisotropy']:.3f}" for name, each in measured.items())


if __name__ == "__main__":
    run("embeddings", EmbeddingsParams, embeddings)

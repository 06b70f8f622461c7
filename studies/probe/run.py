"""The probe: a linear probe of each set of movie vectors → results.tsv."""

from __future__ import annotations

import numpy as np

from reelgraph.core.schemas.movies import read_movie_ids
from reelgraph.core.schemas.reports import write_table
from reelgraph.core.schemas.vectors import read_aligned
from reelgraph.core.torch_setup import configure_torch
from reelgraph.embeddings.embedding_sets import (
    EMBEDDING_FILES,
    POSTPROCESSINGS,
    Postprocessing,
    postprocess,
    random_embeddings,
)
from reelgraph.runtime.progress import progress
from reelgraph.sequences.dataset import read_histories
from studies.probe.linear_probe import fit_probe, probe_metrics, select_user_prior
from studies.probe.params import ProbeParams
from studies.probe.probe_data import build_probe_data
from studies.probe.projections import text_projections
from studies.study import run_study

INPUTS = ("data/sequences", "data/movies.parquet", *EMBEDDING_FILES.values())


def main(params: ProbeParams) -> str:
    """Probe every set of vectors after every postprocessing, and projections of the text vectors."""
    configure_torch(params.compute)
    movie_ids = read_movie_ids("data/movies.parquet")
    histories = read_histories("data/sequences")
    sets = {name: read_aligned(path, movie_ids) for name, path in EMBEDDING_FILES.items()}
    sets["random"] = random_embeddings(len(movie_ids), sets["kg_gnn_bert"].shape[1], params.seed)
    data = build_probe_data(histories, params.probe, params.seed)
    prior = select_user_prior(data)
    baseline = fit_probe(data, prior, None)
    metrics = {"none": {"raw": probe_metrics(data, baseline, baseline, params.seed)}}

    def add(name: str, vectors: np.ndarray, postprocessing: Postprocessing) -> None:
        processed = postprocess(vectors.astype(np.float64), postprocessing).astype(np.float32)
        result = fit_probe(data, prior, processed)
        metrics.setdefault(name, {})[postprocessing] = probe_metrics(data, result, baseline, params.seed)

    for name in progress(sets, "probe"):
        for postprocessing in POSTPROCESSINGS:
            add(name, sets[name], postprocessing)
    for name, vectors in text_projections(sets["text"], params.seed).items():
        add(name, vectors, "raw")
    write_table(metrics, ["vectors", "processing"], "studies/probe/results.tsv")
    return ", ".join(f"{name} {results['raw']['val_rmse']:.4f}" for name, results in metrics.items())


if __name__ == "__main__":
    run_study("probe", ProbeParams, main, INPUTS)

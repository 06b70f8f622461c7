"""Stage probe: what each set of movie vectors tells of tastes → metrics/probe.json."""

from __future__ import annotations

import numpy as np

from reelgraph.core.torch_setup import configure_torch
from reelgraph.embeddings.embedding_sets import (
    EMBEDDING_FILES,
    POSTPROCESSINGS,
    Postprocessing,
    postprocess,
    random_embeddings,
)
from reelgraph.params.base import PARAMS_FILE
from reelgraph.runtime.atomic_io import write_metrics
from reelgraph.runtime.progress import progress
from reelgraph.runtime.stage_runner import run_stage
from reelgraph.schemas.movies import read_movie_ids
from reelgraph.schemas.vectors import align_to, read_vectors
from reelgraph.sequences.dataset import read_histories
from studies.probe import linear_probe
from studies.probe.params import PROBE_FILE, ProbeParams
from studies.probe.probe_data import build_probe_data
from studies.probe.projections import text_projections


def main(params: ProbeParams) -> str:
    """Probe every set after every treatment, and other projections of the text."""
    configure_torch(params.compute)
    movie_ids, histories = read_movie_ids("data/movies.parquet"), read_histories("data/sequences")
    sets = {name: align_to(movie_ids, *read_vectors(path), path) for name, path in EMBEDDING_FILES.items()}
    sets["random"] = random_embeddings(len(movie_ids), sets["kg_gnn_bert"].shape[1], params.seed)
    task = build_probe_data(histories, params.probe, params.seed)
    person = linear_probe.select_user_prior(task)
    none = linear_probe.fit_probe(task, person, None)
    found = {"none": {"raw": linear_probe.probe_metrics(task, none, none, params.seed)}}

    def add(name: str, vectors: np.ndarray, treatment: Postprocessing) -> None:
        after = postprocess(vectors.astype(np.float64), treatment).astype(np.float32)
        probed = linear_probe.fit_probe(task, person, after)
        found.setdefault(name, {})[treatment] = linear_probe.probe_metrics(task, probed, none, params.seed)

    for name in progress(sets, "probe"):
        for treatment in POSTPROCESSINGS:
            add(name, sets[name], treatment)
    for name, vectors in text_projections(sets["text"], params.seed).items():
        add(name, vectors, "raw")
    write_metrics(found, "metrics/probe.json")
    return ", ".join(f"{name} {each['raw']['val_rmse']:.4f}" for name, each in found.items())


if __name__ == "__main__":
    run_stage("probe", ProbeParams, main, PARAMS_FILE, PROBE_FILE)

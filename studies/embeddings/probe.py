"""Stage probe: what each set of movie vectors tells of tastes → metrics/probe.json."""

from __future__ import annotations

import numpy as np

from reelgraph.core.torch_setup import prepare
from reelgraph.embeddings.sets import SETS, random_vectors
from reelgraph.embeddings.treatments import TREATMENTS, Treatment, treated
from reelgraph.params.base import PARAMS_FILE
from reelgraph.params.probe import PROBE_FILE, ProbeParams
from reelgraph.runtime.atomic_io import write_metrics
from reelgraph.runtime.progress import progress
from reelgraph.runtime.stage_runner import run
from reelgraph.schemas.movies import read_movie_ids
from reelgraph.schemas.vectors import aligned, read_vectors
from reelgraph.sequences.arrays import read_histories
from reelgraph.studies import probe
from reelgraph.studies.projections import projections
from reelgraph.studies.residuals import make_task


def work(params: ProbeParams) -> str:
    """Probe every set after every treatment, and other projections of the text."""
    prepare(params.compute)
    movie_ids, histories = read_movie_ids("data/movies.parquet"), read_histories("data/histories")
    sets = {name: aligned(movie_ids, *read_vectors(path), path) for name, path in SETS.items()}
    sets["random"] = random_vectors(len(movie_ids), sets["kg_gnn_bert"].shape[1], params.seed)
    task = make_task(histories, params.probe, params.seed)
    person = probe.choose_person(task)
    none = probe.probe(task, person, None)
    found = {"none": {"raw": probe.figures(task, none, none, params.seed)}}

    def add(name: str, vectors: np.ndarray, treatment: Treatment) -> None:
        after = treated(vectors.astype(np.float64), treatment).astype(np.float32)
        probed = probe.probe(task, person, after)
        found.setdefault(name, {})[treatment] = probe.figures(task, probed, none, params.seed)

    for name in progress(sets, "probe"):
        for treatment in TREATMENTS:
            add(name, sets[name], treatment)
    for name, vectors in projections(sets["text"], params.seed).items():
        add(name, vectors, "raw")
    write_metrics(found, "metrics/probe.json")
    return ", ".join(f"{name} {each['raw']['val_rmse']:.4f}" for name, each in found.items())


if __name__ == "__main__":
    run("probe", ProbeParams, work, PARAMS_FILE, PROBE_FILE)

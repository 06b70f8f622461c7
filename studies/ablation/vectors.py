"""Stage ablation_vectors@NAME: a file of movie vectors → data/ablation/vectors/NAME.parquet."""

from __future__ import annotations

import sys
from functools import partial

from reelgraph.core.schemas.vectors import read_vectors, write_vectors
from reelgraph.embeddings.embedding_sets import random_embeddings
from reelgraph.runtime.stage_runner import run_stage
from studies.ablation.params import AblationVectorParams


def main(name: str, source: str, params: AblationVectorParams) -> str:
    """Copy the vectors, so that a run depends on its own vectors only; ``random`` gets random ones."""
    movie_ids, vectors = read_vectors(source)
    if name == "random":
        vectors = random_embeddings(len(movie_ids), vectors.shape[1], params.seed)
    write_vectors(movie_ids, vectors, f"data/ablation/vectors/{name}.parquet")
    return f"{vectors.shape[1]} dimensions"


if __name__ == "__main__":
    name, source = sys.argv[1:]
    run_stage(f"ablation_vectors@{name}", AblationVectorParams, partial(main, name, source))

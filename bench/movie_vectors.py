"""What vectors of the movies are worth to the rater: ``python -m bench.movie_vectors NAME...``.

On the data of the last run. Fits ``gp`` on training rows with each set of vectors, by default with all sets,
and compares it with the first one on the validation targets. All read the graph's entities and release years.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32, Float64

from reelgraph.core.torch_setup import configure_torch
from reelgraph.embeddings.embedding_sets import EMBEDDING_FILES, random_embeddings
from reelgraph.evaluation.intervals import (
    bootstrap_means,
    percentile_interval,
    target_clusters,
)
from reelgraph.params.base import load
from reelgraph.params.model import TrainRaterParams
from reelgraph.raters.gp.fitting import fit
from reelgraph.raters.gp.movie_content import build_movie_content
from reelgraph.raters.io import read_movie_inputs
from reelgraph.raters.rater import MovieInputs
from reelgraph.sequences.dataset import UserHistories, read_histories, star_ratings

SETS = ("random", "none", "projected", "text", "kg_gnn", "kg_gnn_bert", "text+kg_gnn", "text+kg_gnn_bert")
"""Names of files joined by +; ``none``: zeros; ``random``: standard normal, with the dimension of text."""


def read_sets(name: str, movies: MovieInputs, seed: int) -> list[Float32[np.ndarray, "movies _"]]:
    """Return the vectors of the sets that a name joins."""
    if name == "none":
        return [np.zeros_like(movies.text)]
    if name == "random":
        return [random_embeddings(len(movies.text), movies.text.shape[1], seed)]
    return [read_movie_inputs(EMBEDDING_FILES[part]).vectors for part in name.split("+")]


def squared_errors(
    name: str, params: TrainRaterParams, histories: UserHistories, movies: MovieInputs
) -> Float64[np.ndarray, " targets"]:
    """Fit the rater with a set of vectors; return the squared errors of the validation targets, stars²."""
    content = build_movie_content(movies.graph, movies.year, read_sets(name, movies, params.seed))
    fit_end = histories.fit_end("train")
    rater = fit(histories, fit_end, content, params)
    stars = rater.predict(histories, fit_end, histories.val).stars
    return (stars - star_ratings(histories, histories.val)) ** 2


def main(names: Sequence[str]) -> None:
    """Print RMSE of each set, and the 95 % interval of the difference to the first one."""
    params = load(TrainRaterParams)
    configure_torch(params.compute)
    movies = read_movie_inputs(EMBEDDING_FILES["text"])
    histories = read_histories("data/sequences", len(movies.year))
    clusters = target_clusters(histories, histories.val)
    print(f"{len(histories.val):,} targets")
    errors: list[Float64[np.ndarray, " targets"]] = []
    for name in names:
        errors.append(squared_errors(name, params, histories, movies))
        pair = np.stack([errors[0], errors[-1]], axis=1)
        first, other = np.sqrt(bootstrap_means(clusters, pair, params.seed)).T
        low, high = percentile_interval(other - first)
        print(f"{name:<20}{np.sqrt(errors[-1].mean()):.4f} stars, {low:+.4f} to {high:+.4f}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:] or SETS)

"""What vectors of the movies are worth to the rater: ``python -m bench.movie_vectors NAME...``.

On the data of the last run. Fits ``gp`` on training rows with each set of vectors, by default with all sets,
and with each of ``SEEDS``. Compares the sets with the first two on the validation targets, whose squared
errors are averaged over the seeds. All read the graph's entities and release years.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32, Float64

from reelgraph.core.torch_setup import configure_torch
from reelgraph.embeddings.embedding_sets import EMBEDDING_FILES, random_embeddings
from reelgraph.evaluation.intervals import (
    Clusters,
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

SETS = ("random", "text", "none", "projected", "kg_gnn", "kg_gnn_bert", "text+kg_gnn", "text+kg_gnn_bert")
"""Names of files joined by +; ``none``: zeros; ``random``: standard normal, with the dimension of text."""
SEEDS = (0, 1, 2)
"""Values of ``model.seed``; that of the random vectors changes with it."""
N_REFERENCES = 2
"""Leading sets that the others are compared with."""

Errors = Float64[np.ndarray, "seeds targets"]


def read_sets(name: str, movies: MovieInputs, seed: int) -> list[Float32[np.ndarray, "movies _"]]:
    """Return the vectors of the sets that a name joins."""
    if name == "none":
        return [np.zeros_like(movies.text)]
    if name == "random":
        return [random_embeddings(len(movies.text), movies.text.shape[1], seed)]
    return [read_movie_inputs(EMBEDDING_FILES[part]).vectors for part in name.split("+")]


def squared_errors(
    name: str, params: TrainRaterParams, histories: UserHistories, movies: MovieInputs
) -> Errors:
    """Fit the rater with a set of vectors; return the squared errors of the validation targets, stars²."""
    errors = []
    for seed in SEEDS:
        model = params.model.model_copy(update={"seed": seed})
        seeded = params.model_copy(update={"model": model})
        content = build_movie_content(movies.graph, movies.year, read_sets(name, movies, seeded.rater_seed))
        fit_end = histories.fit_end("train")
        rater = fit(histories, fit_end, content, seeded)
        stars = rater.predict(histories, fit_end, histories.val).stars
        errors.append((stars - star_ratings(histories, histories.val)) ** 2)
    return np.stack(errors)


def format_row(name: str, errors: Errors, references: Sequence[Errors], clusters: Clusters, seed: int) -> str:
    """Return mean and standard deviation of the RMSE over the seeds, and the intervals to the references.

    Args:
        name: of the set.
        errors: squared errors of the set.
        references: squared errors of the sets that it is compared with.
        clusters: users of the targets, and perhaps movies.
        seed: of the resamples.
    """
    rmse = np.sqrt(errors.mean(axis=1))
    row = f"{name:<18}{rmse.mean():.4f} ± {rmse.std(ddof=1):.4f}"
    for reference in references:
        pair = np.stack([errors.mean(axis=0), reference.mean(axis=0)], axis=1)
        this, other = np.sqrt(bootstrap_means(clusters, pair, seed)).T
        low, high = percentile_interval(this - other)
        row += f"{low:>+10.4f} to {high:+.4f}"
    return row


def main(names: Sequence[str]) -> None:
    """Print a row for each set as soon as it is known."""
    params = load(TrainRaterParams)
    configure_torch(params.compute)
    movies = read_movie_inputs(EMBEDDING_FILES["text"])
    histories = read_histories("data/sequences", len(movies.year))
    clusters = target_clusters(histories, histories.val)
    differences = "".join(f"{'minus ' + name:>20}" for name in names[:N_REFERENCES])
    print(f"{len(histories.val):,} targets, {len(SEEDS)} seeds\n{'':<18}{'RMSE, stars':<15}{differences}")
    errors: list[Errors] = []
    for name in names:
        errors.append(squared_errors(name, params, histories, movies))
        print(format_row(name, errors[-1], errors[:N_REFERENCES], clusters, params.seed), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:] or SETS)

"""A bundle of any number of movies, to measure the time of requests.

``python -m bench.random_bundle MOVIES FOLDER``

Its rater is a ``gp`` with the sizes of params.yaml and random weights. It takes the time of a fitted rater;
its predictions are meaningless.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import torch

from reelgraph.app.bundle.catalog import MovieCatalog
from reelgraph.app.bundle.format import MOVIES_SCHEMA, BundleContents, make_config, write_bundle
from reelgraph.core.schemas.columns import ENTITY_COLUMNS
from reelgraph.params.base import load
from reelgraph.params.model import TrainRaterParams
from reelgraph.raters.gp.leave_one_out_stats import MovieStats
from reelgraph.raters.gp.model import GaussianProcess
from reelgraph.raters.gp.movie_content import MAX_CONTENT_DIM, MovieContent
from reelgraph.raters.gp.movie_factors import LatentFactors
from reelgraph.raters.gp.ordinal_head import HeadEnsemble
from reelgraph.raters.gp.rater import GpRater

ENTITIES = {
    "actor": 1.0,
    "director": 0.3,
    "writer": 0.3,
    "genre": 20,
    "company": 0.2,
    "country": 60,
    "language": 40,
}
"""Number of entities by type; numbers below 2 are fractions of the number of movies."""
N_FOLDS = 3


def sample_content(n_movies: int, rng: np.random.Generator) -> MovieContent:
    """Sample entities (a few of them frequent), years and vectors."""
    blocks = []
    first = 1
    for entity_type, size in ENTITIES.items():
        count = int(size if size >= 2 else size * n_movies) + 1
        sampled = (rng.pareto(1.2, (n_movies, len(ENTITY_COLUMNS[entity_type]))) * count / 50).astype(
            np.int64
        )
        block = np.sort(first + sampled.clip(max=count - 1), axis=1)
        block[:, 1:][block[:, 1:] == block[:, :-1]] = 0
        blocks.append(block)
        first += count
    vectors = rng.normal(size=(n_movies, MAX_CONTENT_DIM)).astype(np.float32)
    year = rng.integers(1930, 2020, n_movies).astype(np.float64)
    return MovieContent(tuple(blocks), year, vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def sample_rater(n_movies: int, params: TrainRaterParams) -> GpRater:
    """Return a rater with random weights."""
    gp = params.gp
    rng = np.random.default_rng(0)
    torch.manual_seed(0)
    content = sample_content(n_movies, rng)
    count = np.floor(rng.pareto(0.8, n_movies) * 5).clip(max=60_000)
    total = rng.normal(0, 0.4, n_movies) * count
    stats = MovieStats(
        global_mean=3.5,
        damped_effect=total / (count + 5),
        count=count,
        residual_sum=total,
        squared_residual_sum=0.9 * count,
        prior_effect=rng.normal(0, 0.2, n_movies),
        prior_log_count=np.log1p(count),
    )
    factors = LatentFactors(
        torch.randn(N_FOLDS, n_movies, gp.latent_dim) * 0.3, torch.rand(N_FOLDS, n_movies) * 0.1
    )
    process = GaussianProcess(
        content, torch.randn(2, n_movies, gp.cooccurrence_dim) * 0.2, factors, gp.embedding_dim
    )
    heads = HeadEnsemble(gp.ensemble_size, params.model.hidden_dim, 0.0)
    return GpRater(content, stats, process.eval(), heads.eval(), gp)


def build_catalog(rater: GpRater) -> MovieCatalog:
    """Return movies whose titles and entities are numbered."""
    content = rater.content
    n_movies = content.n_movies
    cells: dict[str, object] = dict.fromkeys(MOVIES_SCHEMA.names, [None] * n_movies)
    cells |= {name: np.arange(n_movies) for name in ("movieId", "x", "y")}
    cells |= {"title": [f"Movie {row}" for row in range(n_movies)], "other_titles": [[]] * n_movies}
    cells |= {"other_genres": [[]] * n_movies}
    cells |= {"release_year": content.year, "ratings": rater.stats.count}
    for columns, block in zip(ENTITY_COLUMNS.values(), content.entity_blocks, strict=True):
        for column, entities in zip(columns, block.T, strict=True):
            cells[column] = [f"{column} {entity}" if entity else None for entity in entities]
    arrays = [pa.array(cells[field.name]).cast(field.type) for field in MOVIES_SCHEMA]
    return MovieCatalog(pa.table(arrays, schema=MOVIES_SCHEMA))


def main(n_movies: int, folder: Path) -> None:
    """Write the bundle."""
    params = load(TrainRaterParams)
    rater = sample_rater(n_movies, params)
    rng = np.random.default_rng(1)
    dims = {"text": 384, "graph": 300}
    vectors = {name: rng.normal(size=(n_movies, dim)).astype(np.float32) for name, dim in dims.items()}
    with TemporaryDirectory() as temp_dir:
        weights = Path(temp_dir) / "weights.safetensors"
        rater.save(weights)
        contents = BundleContents(
            catalog=build_catalog(rater),
            vectors=vectors,
            config=make_config(params.config(), n_movies),
            weights=weights,
            card="# Random weights for benchmarks\n",
            results={},
        )
        write_bundle(contents, folder)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))

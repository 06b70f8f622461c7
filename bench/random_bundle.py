"""A bundle of any number of movies, to measure the time of requests.

``python -m bench.random_bundle MOVIES FOLDER``

Its rater is a ``gp`` of the sizes in params.yaml whose numbers are drawn, not learned: it costs what a fitted
one does, and what it says means nothing.
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
from reelgraph.params.base import load
from reelgraph.params.model import RaterConfig, TrainRaterParams
from reelgraph.raters.gp.leave_one_out_stats import MovieStats
from reelgraph.raters.gp.model import GaussianProcess
from reelgraph.raters.gp.movie_content import MAX_CONTENT_DIM, MovieContent
from reelgraph.raters.gp.movie_factors import LatentFactors
from reelgraph.raters.gp.ordinal_head import HeadEnsemble
from reelgraph.raters.gp.rater import GpRater
from reelgraph.schemas.columns import ENTITY_COLUMNS

ENTITIES = {
    "actor": 1.0,
    "director": 0.3,
    "writer": 0.3,
    "genre": 20,
    "company": 0.2,
    "country": 60,
    "language": 40,
}
"""How many there are; below 2 as a share of the movies."""
TABLES = 3


def content_of(movies: int, draw: np.random.Generator) -> MovieContent:
    """Draw entities, a few of them common, years and vectors."""
    blocks, first = [], 1
    for kind, size in ENTITIES.items():
        count = int(size if size >= 2 else size * movies) + 1
        drawn = (draw.pareto(1.2, (movies, len(ENTITY_COLUMNS[kind]))) * count / 50).astype(np.int64)
        block = np.sort(first + drawn.clip(max=count - 1), axis=1)
        block[:, 1:][block[:, 1:] == block[:, :-1]] = 0
        blocks.append(block)
        first += count
    vectors = draw.normal(size=(movies, MAX_CONTENT_DIM)).astype(np.float32)
    year = draw.integers(1930, 2020, movies).astype(np.float64)
    return MovieContent(tuple(blocks), year, vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def rater_of(movies: int, params: TrainRaterParams) -> GpRater:
    """Make a rater of drawn numbers."""
    draw, gp = np.random.default_rng(0), params.gp
    torch.manual_seed(0)
    content, count = content_of(movies, draw), np.floor(draw.pareto(0.8, movies) * 5).clip(max=60_000)
    total = draw.normal(0, 0.4, movies) * count
    stats = MovieStats(3.5, total / (count + 5), count, total, 0.9 * count, draw.normal(0, 0.2, movies))
    tastes = LatentFactors(torch.randn(TABLES, movies, gp.latent_dim) * 0.3, torch.rand(TABLES, movies) * 0.1)
    process = GaussianProcess(
        content, torch.randn(movies, gp.cooccurrence_dim) * 0.2, tastes, gp.embedding_dim
    )
    heads = HeadEnsemble(gp.ensemble_size, params.model.hidden_dim, 0.0)
    return GpRater(content, stats, process.eval(), heads.eval(), gp)


def library_of(rater: GpRater) -> MovieCatalog:
    """Name the movies and what they have by numbers."""
    movies, content = rater.content.n_movies, rater.content
    cells: dict[str, object] = dict.fromkeys(MOVIES_SCHEMA.names, [None] * movies)
    cells |= {name: np.arange(movies) for name in ("movieId", "x", "y")}
    cells |= {"title": [f"Movie {at}" for at in range(movies)], "other_titles": [[]] * movies}
    cells |= {"release_year": content.year, "ratings": rater.stats.count}
    for columns, block in zip(ENTITY_COLUMNS.values(), content.entity_blocks, strict=True):
        for column, entities in zip(columns, block.T, strict=True):
            cells[column] = [f"{column} {each}" if each else None for each in entities]
    arrays = [pa.array(cells[field.name]).cast(field.type) for field in MOVIES_SCHEMA]
    return MovieCatalog(pa.table(arrays, schema=MOVIES_SCHEMA))


def main(movies: int, folder: Path) -> None:
    """Write the bundle."""
    params = load(TrainRaterParams)
    rater, draw = rater_of(movies, params), np.random.default_rng(1)
    sizes = {"text": 384, "graph": 300}
    vectors = {name: draw.normal(size=(movies, dim)).astype(np.float32) for name, dim in sizes.items()}
    config = make_config(RaterConfig(model=params.model, gp=params.gp), movies)
    with TemporaryDirectory() as place:
        weights = Path(place) / "weights.safetensors"
        rater.save(weights)
        card = "# Drawn numbers, to measure what answers cost\n"
        write_bundle(BundleContents(library_of(rater), vectors, config, weights, card, {}), folder)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))

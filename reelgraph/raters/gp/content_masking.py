"""Each movie a second time, without its vectors: to tell what they are worth."""

from __future__ import annotations

import copy

import numpy as np
import scipy.sparse as sp
import torch
from jaxtyping import Float32
from torch import Tensor

from reelgraph.raters.gp.leave_one_out_stats import MovieStats, prior_from
from reelgraph.raters.gp.model import GaussianProcess
from reelgraph.raters.gp.movie_content import MovieContent


def doubled(
    content: MovieContent, stats: MovieStats, process: GaussianProcess
) -> tuple[MovieContent, MovieStats, GaussianProcess]:
    """Append to all movies the same ones with the mean of all vectors, and with priors that don't know any.

    Statistics, learned vectors and entities stay.
    """
    vectors = np.concatenate([content.vectors, _mean(content.vectors)])
    twice = MovieContent(
        tuple(np.tile(b, (2, 1)) for b in content.entity_blocks), np.tile(content.year, 2), vectors
    )
    return twice, _stats(content, stats), _process(process, torch.from_numpy(vectors))


def _mean(vectors: Float32[np.ndarray, "movies dim"]) -> Float32[np.ndarray, "movies dim"]:
    return np.broadcast_to(vectors.mean(axis=0, dtype=np.float64), vectors.shape).astype(np.float32)


def _stats(content: MovieContent, stats: MovieStats) -> MovieStats:
    dim = content.vectors.shape[1]
    without: sp.csr_matrix = content.design_matrix()[:, :-dim]
    prior = np.concatenate([stats.prior, prior_from(without, stats.count, stats.total, seed=0)])
    plain, count, total, square = (
        np.tile(x, 2) for x in (stats.plain, stats.count, stats.total, stats.square)
    )
    return MovieStats(stats.mean, plain, count, total, square, prior)


def _process(process: GaussianProcess, vectors: Tensor) -> GaussianProcess:
    """Copy the process; its constants of the movies, one row each, are doubled."""
    process = copy.deepcopy(process)
    for name in ("cowatch", "tokens", *(f"block_{i}" for i in range(process.blocks))):
        setattr(process, name, getattr(process, name).repeat(2, 1))
    process.latent_factors, process.latent_variance = (
        process.latent_factors.repeat(1, 2, 1),
        process.latent_variance.repeat(1, 2),
    )
    process.vectors = vectors
    return process

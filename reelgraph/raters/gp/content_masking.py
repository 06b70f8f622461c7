"""A second copy of every movie with masked content, to measure what the content is worth to predictions."""

from __future__ import annotations

import copy

import numpy as np
import torch
from jaxtyping import Float32, Float64
from torch import Tensor

from reelgraph.raters.gp.leave_one_out_stats import MovieStats, predict_from_content, regression_targets
from reelgraph.raters.gp.model import GaussianProcess
from reelgraph.raters.gp.movie_content import MovieContent


def append_masked_movies(
    content: MovieContent, stats: MovieStats, gp: GaussianProcess
) -> tuple[MovieContent, MovieStats, GaussianProcess]:
    """Append to the movies a copy of each with the mean content vector, and predictions without vectors.

    Row ``n_movies + m`` is the masked copy of movie m. Ratings' statistics and entities stay.
    """
    vectors = np.concatenate([content.vectors, _mean_rows(content.vectors)])
    blocks = tuple(np.tile(block, (2, 1)) for block in content.entity_blocks)
    masked_content = MovieContent(blocks, np.tile(content.year, 2), vectors)
    return (
        masked_content,
        _append_masked_stats(content, stats),
        _append_masked_rows(gp, content, stats, torch.from_numpy(vectors)),
    )


def _mean_rows(vectors: Float32[np.ndarray, "movies dim"]) -> Float32[np.ndarray, "movies dim"]:
    mean = vectors.mean(axis=0, dtype=np.float64)
    return np.broadcast_to(mean, vectors.shape).astype(np.float32)


def _append_masked_stats(content: MovieContent, stats: MovieStats) -> MovieStats:
    targets = regression_targets(stats.count, stats.residual_sum)
    masked_effect, masked_log_count = _predict_without_vectors(content, stats, targets).T
    return MovieStats(
        global_mean=stats.global_mean,
        damped_effect=np.tile(stats.damped_effect, 2),
        count=np.tile(stats.count, 2),
        residual_sum=np.tile(stats.residual_sum, 2),
        squared_residual_sum=np.tile(stats.squared_residual_sum, 2),
        prior_effect=np.concatenate([stats.prior_effect, masked_effect]),
        prior_log_count=np.concatenate([stats.prior_log_count, masked_log_count]),
    )


def _predict_without_vectors(
    content: MovieContent, stats: MovieStats, targets: Float64[np.ndarray, "movies columns"]
) -> Float64[np.ndarray, "movies columns"]:
    without_vectors = content.design_matrix()[:, : -content.vectors.shape[1]]
    return predict_from_content(without_vectors, stats.count, targets, seed=0)


def _append_masked_rows(
    gp: GaussianProcess, content: MovieContent, stats: MovieStats, content_vectors: Tensor
) -> GaussianProcess:
    """Return a copy of the Gaussian process whose buffers have two rows per movie."""
    learned = gp.cooccurrence[0]
    predicted = _predict_without_vectors(content, stats, learned.cpu().double().numpy())
    masked = torch.from_numpy(predicted).float().to(gp.device)
    gp = copy.deepcopy(gp)
    gp.content_vectors = content_vectors.to(gp.device)
    gp.cooccurrence = torch.cat([gp.cooccurrence, torch.stack([learned, masked])], dim=1)
    gp.latent_factors = gp.latent_factors.repeat(1, 2, 1)
    gp.latent_variance = gp.latent_variance.repeat(1, 2)
    for name in gp.entity_block_names:
        setattr(gp, name, getattr(gp, name).repeat(2, 1))
    return gp

"""Movies that are added to a fitted rater: unrated ones, which it predicts from their content."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor
from torch.nn.functional import pad

from reelgraph.raters.gp.leave_one_out_stats import MovieStats, predict_from_content, regression_targets
from reelgraph.raters.gp.model import GaussianProcess
from reelgraph.raters.gp.movie_content import MovieContent, build_movie_content
from reelgraph.raters.gp.movie_factors import LatentFactors
from reelgraph.raters.gp.rater import GpRater
from reelgraph.raters.rater import MovieInputs
from reelgraph.runtime.safetensors_io import load_state_dict_strict

REGRESSION_SEED = 0
"""Seed of cross-validation folds, which the predictions for unrated movies do not depend on."""


def append_movies(rater: GpRater, movies: MovieInputs) -> GpRater:
    """Return the rater with further movies; what it knows of the others stays the same.

    Only the ridge regressions on the content are solved again, as new movies may share new entities.

    Args:
        rater: a fitted rater.
        movies: first the rater's movies in the same order, then the new ones.
    """
    n_fitted = rater.content.n_movies
    content = build_movie_content(movies.graph, movies.year, (movies.text, movies.vectors), n_fitted)
    stats = _append_stats(rater.stats, content)
    gp = _append_to_process(rater, content)
    return GpRater(content, stats, gp, rater.heads, rater.params)


def _append_stats(stats: MovieStats, content: MovieContent) -> MovieStats:
    """Append movies without ratings, with the effect and the popularity that their content predicts."""
    n_fitted = len(stats.count)
    n_new = content.n_movies - n_fitted
    columns = {name: values for name, values in vars(stats).items() if name != "global_mean"}
    padded = {name: np.pad(values, (0, n_new)) for name, values in columns.items()}
    targets = regression_targets(padded["count"], padded["residual_sum"])
    predicted = predict_from_content(content.design_matrix(), padded["count"], targets, REGRESSION_SEED)
    padded["prior_effect"][n_fitted:] = predicted[n_fitted:, 0]
    padded["prior_log_count"][n_fitted:] = predicted[n_fitted:, 1]
    return MovieStats(global_mean=stats.global_mean, **padded)


def _append_to_process(rater: GpRater, content: MovieContent) -> GaussianProcess:
    """Return a Gaussian process over all movies; what is learned of all movies stays."""
    n_fitted = rater.content.n_movies
    n_new = content.n_movies - n_fitted
    gp = rater.gp
    latent = LatentFactors(pad(gp.latent_factors, (0, 0, 0, n_new)), pad(gp.latent_variance, (0, n_new)))
    cooccurrence = _append_cooccurrence(gp.cooccurrence, rater.stats, content)
    extended = GaussianProcess(content, cooccurrence, latent, rater.params.embedding_dim)
    tensors = dict(gp.state_dict())
    tensors |= {
        "cooccurrence": cooccurrence,
        "latent_factors": latent.vectors,
        "latent_variance": latent.variance,
    }
    load_state_dict_strict(extended, tensors)
    return extended.to(gp.device)


def _append_cooccurrence(
    cooccurrence: Float32[Tensor, "2 movies dim"], stats: MovieStats, content: MovieContent
) -> Float32[Tensor, "2 more_movies dim"]:
    """Append what the content predicts of the new movies' vectors."""
    n_fitted = cooccurrence.shape[1]
    n_new = content.n_movies - n_fitted
    extended = pad(cooccurrence, (0, 0, 0, n_new))
    count = np.pad(stats.count, (0, n_new))
    targets = extended[0].cpu().double().numpy()
    predicted = predict_from_content(content.design_matrix(), count, targets, REGRESSION_SEED)
    extended[1, n_fitted:] = torch.from_numpy(predicted[n_fitted:]).float()
    return extended

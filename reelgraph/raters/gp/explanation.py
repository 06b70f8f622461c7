"""Why the Gaussian process predicts what it does some day: the user's level, and movies that are alike."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from reelgraph.raters.gp.kernel import N_MOVIE_FEATURES
from reelgraph.raters.gp.model import GaussianProcess
from reelgraph.raters.gp.types import CandidateCache, CandidatePredictions, RatingFeatures
from reelgraph.raters.rater import UserLevel


@torch.inference_mode()
def likeness_contributions(
    gp: GaussianProcess,
    features: RatingFeatures,
    history: Int64[Tensor, " history"],
    predictions: CandidatePredictions,
    candidates: CandidateCache,
) -> Float[Tensor, "candidates history"]:
    """Return the stars that each rating adds to candidates because the movies are alike.

    These are the terms of wᵀ (y − m − u) with the weights w = K⁻¹ C_* and the user's mean u: a rating above
    the user's mean adds to the movies that are alike. C is without ``linear``: by that, any two popular
    movies are alike.

    Args:
        gp: the fitted process.
        features: of all ratings.
        history: indices of the history's ratings.
        predictions: after that history.
        candidates: the movies to explain.
    """
    movies = features.select(history)
    factors = gp.feature_map(movies)
    likeness = candidates.factors[:, :-N_MOVIE_FEATURES] @ factors[:, :-N_MOVIE_FEATURES].T
    likeness = likeness + gp.shared_entities.cross(gp.entity_blocks(movies.movie), candidates.entities)
    weights = torch.cholesky_solve(likeness.T, predictions.cholesky_factor).T
    return weights * (predictions.residual - gp.constant() * predictions.dual_weights().sum())


@torch.inference_mode()
def user_level(
    gp: GaussianProcess,
    features: RatingFeatures,
    window: Int64[Tensor, " size"],
    predictions: CandidatePredictions,
) -> UserLevel:
    """Return the user's mean over an average user's, and its drift at the window's last rating.

    Args:
        gp: the fitted process.
        features: of all ratings.
        window: indices of the history's ratings and of the next rating.
        predictions: of any candidates after the history.
    """
    dual_weights = predictions.dual_weights()
    rank = features.rank[window]
    time = features.time[window]
    dtype = dual_weights.dtype
    covariance = gp.user_drift((rank[-1] - rank[:-1]).to(dtype), (time[-1] - time[:-1]).to(dtype))
    level = gp.constant() * dual_weights.sum()
    return UserLevel(float(level), float(covariance @ dual_weights - level))

"""The Gaussian process against direct restatements of its formulas."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from reelgraph.raters.gp.model import GaussianProcess
from reelgraph.raters.gp.movie_content import MovieContent
from reelgraph.raters.gp.rating_table import RatingTable, tile_windows
from reelgraph.raters.gp.types import RatingFeatures


def test_predict_one_step_is_gaussian_conditioning(
    gp: GaussianProcess, ratings: RatingTable, features: RatingFeatures
) -> None:
    windows, _ = tile_windows(ratings.offsets, 24, 24)
    with torch.no_grad():
        predictions = gp.predict_one_step(features, torch.from_numpy(windows))
        joint = gp.joint(features, torch.from_numpy(windows))
    covariance, residual, prior_mean = (
        tensor.double().numpy() for tensor in (joint.matrix(), joint.masked_residual(), joint.prior_mean)
    )
    for window in range(0, len(windows), 5):
        for target in range(int((windows[window] >= 0).sum())):
            history = covariance[window, :target, :target]
            cross = covariance[window, :target, target]
            weights = np.linalg.solve(history, cross)
            mean = weights @ residual[window, :target] + prior_mean[window, target]
            variance = covariance[window, target, target] - weights @ cross
            assert float(predictions.mean[window, target]) == pytest.approx(mean, abs=1e-4)
            assert float(predictions.std[window, target]) == pytest.approx(variance**0.5, abs=1e-4)


def test_predict_candidates_equals_predict_one_step_and_contributions_sum_to_the_prediction(
    gp: GaussianProcess, ratings: RatingTable, features: RatingFeatures
) -> None:
    last = int(ratings.offsets[1]) - 1
    window = torch.arange(last + 1)
    rows = torch.tensor([last, 3, 0])
    with torch.no_grad():
        candidates = gp.precompute_candidates(features.select(rows))
        predictions = gp.predict_candidates(features, window, candidates)
        one_step = gp.predict_one_step(features, window.unsqueeze(0))
        prior_mean = gp.regression.prior_mean(features.movie_features[rows], features.is_unrated[rows])
    assert float(predictions.mean[0]) == pytest.approx(float(one_step.mean[0, -1]), abs=1e-4)
    assert float(predictions.std[0]) == pytest.approx(float(one_step.std[0, -1]), abs=1e-4)
    np.testing.assert_allclose(
        predictions.standardized_residual, one_step.standardized_residual[0, :-1], atol=1e-4
    )
    contributions = predictions.contributions(torch.arange(3))
    np.testing.assert_allclose(contributions.sum(dim=1) + prior_mean, predictions.mean, atol=1e-4)


def test_predict_one_step_of_an_unrated_movie_reads_no_vector_that_was_learned_from_its_ratings(
    gp: GaussianProcess, features: RatingFeatures
) -> None:
    window = torch.arange(8).unsqueeze(0)
    movie = features.movie[7]
    features = features._replace(movie=features.movie.masked_fill(features.movie == movie, 0))
    features.movie[7] = movie
    is_rated = torch.zeros_like(features.is_unrated)
    is_unrated = is_rated.clone()
    is_unrated[7] = True

    def predict(flags: torch.Tensor) -> tuple[float, float]:
        with torch.no_grad():
            predictions = gp.predict_one_step(features._replace(is_unrated=flags), window)
        return float(predictions.mean[0, 7]), float(predictions.std[0, 7])

    before = [predict(flags) for flags in (is_unrated, is_rated)]
    gp.cooccurrence[0, movie] += 1
    gp.latent_factors[:, movie] += 1
    gp.latent_variance[:, movie] += 1
    after = [predict(flags) for flags in (is_unrated, is_rated)]
    assert after[0] == before[0]
    assert after[1] != pytest.approx(before[1], abs=1e-3)


def test_covariance_matches_the_formula_for_a_pair(
    gp: GaussianProcess, features: RatingFeatures, content: MovieContent
) -> None:
    with torch.no_grad():
        joint = gp.joint(features, torch.tensor([[0, 3]])).matrix()
        movie = features.movie[[0, 3]]
        w, q = gp.cooccurrence[:, movie]
        z = gp.content_vectors[movie]
        x = features.movie_features[[0, 3]]
        v = gp.latent_factors[features.fold[[0, 3]], movie]
        e = torch.cat([w, 0.5 * z], 1) @ gp.projection
        weight_w, weight_z = gp.cosine.log_weights.exp()
        movie_covariance = (
            e[0] @ e[1]
            + gp.latent.log_weights.exp() * v[0] @ v[1]
            + weight_w * w[0] @ w[1]
            + weight_z * z[0] @ z[1]
            + gp.predicted.log_weights.exp() * q[0] @ q[1]
            + (x[0] * x[1] * gp.linear.log_weights.exp()).sum()
        )
        for weight, block in zip(gp.shared_entities.log_weights.exp(), content.entity_blocks, strict=True):
            left, right = (set(block[row][block[row] > 0]) for row in movie.numpy())
            movie_covariance = movie_covariance + weight * len(left & right)
        rank = 3.0
        time = float(abs(features.time[3] - features.time[0]))
        distances = torch.tensor([-rank / 10, -rank / 100, -time / (90 * 86400)])
        decay = gp.temporal_decay.log_weights.exp() * distances.exp()
        drift = gp.constant.log_variance.exp()
        for weight, scale in zip(gp.rank_drift.log_weights.exp(), (1.5, 5, 20, 80, 300), strict=True):
            drift = drift + weight * np.exp(-rank / scale)
        time_scales = (120, 3600, 86400, 30 * 86400, 365 * 86400)
        for weight, scale in zip(gp.time_drift.log_weights.exp(), time_scales, strict=True):
            drift = drift + weight * np.exp(-time / scale)
    expected = movie_covariance * (1 + decay.sum()) + drift
    assert float(joint[0, 0, 1]) == pytest.approx(float(expected), abs=1e-5)


def test_predict_one_step_and_predict_candidates_do_not_read_the_default_dtype(
    gp: GaussianProcess, features: RatingFeatures
) -> None:
    window = torch.arange(8)
    torch.set_default_dtype(torch.float64)
    try:
        with torch.no_grad():
            one_step = gp.predict_one_step(features, window.unsqueeze(0))
            candidates = gp.precompute_candidates(features)
            predictions = gp.predict_candidates(features, window, candidates)
    finally:
        torch.set_default_dtype(torch.float32)
    assert {tensor.dtype for tensor in (*one_step, *predictions)} == {torch.float32}


def test_predictions_and_the_loss_create_tensors_on_the_device_of_the_model(
    gp: GaussianProcess, features: RatingFeatures
) -> None:
    """Here as on a GPU: without ``device=``, a new tensor would be on torch's default device."""
    window = torch.arange(8)
    rows = torch.tensor([7, 3, 0])
    first = torch.tensor([0, 1])

    def compute() -> list[torch.Tensor]:
        candidates = gp.precompute_candidates(features.select(rows))
        predictions = gp.predict_candidates(features, window, candidates)
        one_step = gp.predict_one_step(features, window.unsqueeze(0))
        likelihood = gp.negative_log_likelihood(features, window.unsqueeze(0))
        loss = likelihood.loss + gp.penalty()
        gradients = torch.autograd.grad(loss, list(gp.parameters()))
        return [predictions.mean, predictions.contributions(first), one_step.std, loss, *gradients]

    expected = compute()
    with torch.device("meta"):
        tensors = compute()
    assert all(tensor.device.type == "cpu" for tensor in tensors)
    assert all(map(torch.equal, tensors, expected))

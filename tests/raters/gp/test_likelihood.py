"""The likelihood of windows and its gradient."""

from __future__ import annotations

import torch
from torch.distributions import MultivariateNormal

from reelgraph.raters.gp.likelihood import JointDistribution, negative_log_likelihood
from reelgraph.raters.gp.model import GaussianProcess
from reelgraph.raters.gp.rating_table import RatingTable, tile_windows
from reelgraph.raters.gp.types import RatingFeatures


def _random_joint() -> JointDistribution:
    torch.manual_seed(0)
    factors = torch.randn(3, 6, 4, dtype=torch.float64)
    is_rating = torch.arange(6) < torch.tensor([[6], [4], [1]])
    return JointDistribution(
        covariance=factors @ factors.mT,
        noise_variance=torch.rand(3, 6, dtype=torch.float64) + 0.1,
        residual=torch.randn(3, 6, dtype=torch.float64),
        prior_mean=torch.zeros(3, 6, dtype=torch.float64),
        is_rating=is_rating,
    )


def test_negative_log_likelihood_is_the_normal_density_without_padding_and_constants() -> None:
    joint = _random_joint()
    expected = torch.zeros((), dtype=torch.float64)
    for window, length in enumerate((6, 4, 1)):
        matrix = joint.covariance[window, :length, :length]
        matrix = matrix + torch.diag(joint.noise_variance[window, :length])
        density = MultivariateNormal(torch.zeros(length, dtype=torch.float64), matrix)
        constant = length / 2 * torch.log(torch.tensor(2 * torch.pi))
        expected = expected - density.log_prob(joint.residual[window, :length]) - constant
    likelihood = negative_log_likelihood(joint)
    torch.testing.assert_close(likelihood.loss, expected, check_dtype=False)
    assert not likelihood.standardized_residual[~joint.is_rating].any()


def test_negative_log_likelihood_has_the_gradient_of_its_loss() -> None:
    joint = _random_joint()

    def loss(factors: torch.Tensor, noise_variance: torch.Tensor, residual: torch.Tensor) -> torch.Tensor:
        changed = joint._replace(
            covariance=factors @ factors.mT, noise_variance=noise_variance, residual=residual
        )
        return negative_log_likelihood(changed).loss

    factors = torch.randn(3, 6, 4, dtype=torch.float64)
    inputs = (factors, joint.noise_variance, joint.residual)
    assert torch.autograd.gradcheck(loss, [tensor.clone().requires_grad_() for tensor in inputs])


def test_negative_log_likelihood_agrees_with_predict_one_step(
    gp: GaussianProcess, ratings: RatingTable, features: RatingFeatures
) -> None:
    windows = torch.from_numpy(tile_windows(ratings.offsets, 24, 24)[0])
    with torch.no_grad():
        likelihood = gp.negative_log_likelihood(features, windows)
        predictions = gp.predict_one_step(features, windows)
    torch.testing.assert_close(likelihood.std, predictions.std)
    torch.testing.assert_close(likelihood.standardized_residual, predictions.standardized_residual)

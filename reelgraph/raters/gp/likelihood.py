"""The marginal likelihood of windows of ratings, with its gradient in closed form."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.autograd.function import FunctionCtx

from reelgraph.raters.gp.kernel import Square

PerRating = Float[Tensor, "windows size"]


class JointDistribution(NamedTuple):
    """The Gaussian process at the ratings of windows; values at padding are arbitrary."""

    covariance: Square
    """k, stars²."""
    noise_variance: PerRating
    """σ_n², stars²."""
    residual: PerRating
    """y − m, stars."""
    prior_mean: PerRating
    """m, stars."""
    is_rating: Bool[Tensor, "windows size"]
    """False at padding."""

    def matrix(self) -> Square:
        """Return K = k + diag(σ_n²), without gradient; it is the identity at padding."""
        K = self.covariance.detach().clone()
        if not self.is_rating.all():
            K *= self.is_rating.unsqueeze(2) & self.is_rating.unsqueeze(1)
        K.diagonal(dim1=1, dim2=2).add_(torch.where(self.is_rating, self.noise_variance.detach(), 1.0))
        return K

    def masked_residual(self) -> PerRating:
        """Return y − m, 0 at padding."""
        return self.residual * self.is_rating


class Likelihood(NamedTuple):
    """The negative log likelihood of the windows' ratings, and what it consists of."""

    loss: Float[Tensor, ""]
    """Σ z² / 2 + log std over all ratings, in nats; only this has a gradient."""
    standardized_residual: PerRating
    """z = L⁻¹(y − m); 0 at padding."""
    std: PerRating
    """diag(L), stars; 1 at padding."""


def negative_log_likelihood(joint: JointDistribution) -> Likelihood:
    """Return Σ_p z_p² / 2 + log L_pp, which is (y − m)ᵀ K⁻¹ (y − m) / 2 + log|K| / 2 (equation 2.30).

    Raises:
        torch.linalg.LinAlgError: K is not positive definite.
    """
    return Likelihood(
        *_NegativeLogLikelihood.apply(
            joint.covariance, joint.noise_variance, joint.masked_residual(), joint.is_rating
        )
    )


class _NegativeLogLikelihood(torch.autograd.Function):
    """Its gradient by K is (K⁻¹ − α αᵀ) / 2 with α = K⁻¹(y − m) (equation 5.9)."""

    @staticmethod
    def forward(
        ctx: FunctionCtx, covariance: Tensor, noise_variance: Tensor, residual: Tensor, is_rating: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        K = JointDistribution(covariance, noise_variance, residual, residual, is_rating).matrix()
        L = torch.linalg.cholesky(K)
        z = torch.linalg.solve_triangular(L, residual.unsqueeze(2), upper=False).squeeze(2)
        std = L.diagonal(dim1=1, dim2=2).clone()
        ctx.save_for_backward(L, z, is_rating)
        ctx.mark_non_differentiable(z, std)
        return (z**2).sum() / 2 + std.log().sum(), z, std

    @staticmethod
    def backward(ctx: FunctionCtx, gradient: Tensor, *_: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        L, z, is_rating = ctx.saved_tensors  # type: ignore[attr-defined]
        alpha = torch.linalg.solve_triangular(L.mT, z.unsqueeze(2), upper=True)
        by_covariance = torch.cholesky_inverse(L).baddbmm_(alpha, alpha.mT, alpha=-1).mul_(gradient / 2)
        diagonal = by_covariance.diagonal(dim1=1, dim2=2)
        diagonal.mul_(is_rating)
        return by_covariance, diagonal.clone(), gradient * alpha.squeeze(2), None

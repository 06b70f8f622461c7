"""A user's ratings as a Gaussian process over movies and time.

Notation of Rasmussen & Williams, "Gaussian Processes for Machine Learning" (2006), chapter 2. θ are
hyperparameters, which all users share. The user's rating p is of movie i, at time t_p, and the r_p-th by
time; q is of movie j. The residual y_p of its stars over the movie's mean is modelled as

    y_p = m(p) + f(p) + ε_p,    f ~ GP(0, k),    ε_p ~ N(0, σ_n²(p))

                                                            attribute
    m(p)    = o + β·x_i                                     regression
    k(p, q) = θ_c                                           constant
            + Σ_s θ_s exp(−|r_p − r_q| / s)                 rank_drift
            + Σ_s θ_s exp(−|t_p − t_q| / s)                 time_drift
            + C(i, j) · g(p, q)                             temporal_decay (g)
    C(i, j) = e_i·e_j                                       projection
            + θ v_i·v_j                                     latent
            + θ w_i·w_j + θ z_i·z_j                         cosine
            + θ q_i·q_j                                     predicted
            + Σ_type θ_type · (entities that i and j share) shared_entities
            + Σ_d θ_d x_id x_jd                             linear
    σ_n²(p) = θ_n exp(h·n_i) + uncertainty of v_i           noise, regression

The vectors of a movie are x: mean rating, popularity and year; v: latent factors of a Bayesian matrix
factorization; w: co-occurrence vectors; z: content vectors; q: what the content predicts of w, by a
regression that is fitted without the movie; and e = [w, z/2] W. The projection W has a Gaussian prior.

A movie that nobody has rated has an o and a β of its own. Its w is q, and its v is 0.
What is unknown of it is part of the noise, by h·n. A random fraction of
the training ratings are of movies that are treated as unrated (``draw_hidden``).

With K = k(X, X) + diag(σ_n²) = L Lᵀ, one Cholesky factor gives the one-step-ahead predictions of all ratings
of a window: L⁻¹(y − m) are their standardized residuals, and diag(L) their standard deviations. A new rating
has mean m + k_*ᵀ α with α = K⁻¹(y − m), and variance k_** + σ_n² − vᵀv with v = L⁻¹ k_* (Algorithm 2.1).
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float, Float64, Int64
from torch import Tensor, nn

from reelgraph.raters.gp.kernel import (
    N_MOVIE_FEATURES,
    RANK_SCALES,
    TIME_SCALES,
    ConstantKernel,
    Distances,
    ExponentialKernel,
    LinearModel,
    RankDistances,
    ScaledDotProductKernel,
    SharedEntityKernel,
    Square,
    TemporalDecay,
    WhiteNoise,
    pairwise_distances,
)
from reelgraph.raters.gp.likelihood import JointDistribution, Likelihood, negative_log_likelihood
from reelgraph.raters.gp.movie_content import MovieContent
from reelgraph.raters.gp.movie_factors import LatentFactors
from reelgraph.raters.gp.types import (
    CandidateCache,
    CandidatePredictions,
    OneStepPredictions,
    RatingFeatures,
)

JITTER = 1e-3
"""Least noise variance, stars²; keeps K positive definite."""

PROJECTION_PRECISION = 300.0
"""Precision of the Gaussian prior of W."""

Windows = Int64[Tensor, "windows size"]


class GaussianProcess(nn.Module):
    """The kernel, the movies that it is defined on, and predictions by Cholesky factors."""

    cooccurrence: Float[Tensor, "2 movies cooccurrence"]
    """w of rated movies, and q: what their content predicts."""
    latent_factors: Float[Tensor, "folds movies latent"]
    latent_variance: Float[Tensor, "folds movies"]
    content_vectors: Float[Tensor, "movies dim"]

    def __init__(
        self,
        content: MovieContent,
        cooccurrence: Float[Tensor, "2 movies cooccurrence"],
        latent: LatentFactors,
        embedding_dim: int,
    ) -> None:
        super().__init__()
        self.register_buffer("cooccurrence", cooccurrence)
        self.register_buffer("latent_factors", latent.vectors)
        self.register_buffer("latent_variance", latent.variance)
        # The content is saved by the rater.
        content_vectors = torch.from_numpy(content.vectors)
        self.register_buffer("content_vectors", content_vectors, persistent=False)
        n_types = len(content.entity_blocks)
        self.entity_block_names = [f"entity_block_{index}" for index in range(n_types)]
        for name, block in zip(self.entity_block_names, content.entity_blocks, strict=True):
            self.register_buffer(name, torch.from_numpy(block), persistent=False)
        # Gradient clipping sums the parameters' norms in the order of registration.
        self.constant = ConstantKernel(0.1)
        self.noise = WhiteNoise(0.5)
        self.cosine = ScaledDotProductKernel(0.05, 2)
        self.predicted = ScaledDotProductKernel(0.05)
        self.latent = ScaledDotProductKernel(0.5)
        self.rank_drift = ExponentialKernel(RANK_SCALES, 0.02)
        self.time_drift = ExponentialKernel(TIME_SCALES, 0.02)
        self.shared_entities = SharedEntityKernel(n_types, 0.02)
        self.linear = ScaledDotProductKernel(0.02, N_MOVIE_FEATURES)
        self.temporal_decay = TemporalDecay(0.14)
        self.regression = LinearModel()
        n_inputs = cooccurrence.shape[2] + content_vectors.shape[1]
        self.projection = nn.Parameter(torch.randn(n_inputs, embedding_dim) * 0.1 / math.sqrt(n_inputs))

    @property
    def device(self) -> torch.device:
        """The device that it computes on; features and windows must be there."""
        return self.projection.device

    @property
    def n_folds(self) -> int:
        """Number of sets of latent factors, the one of all ratings included."""
        return len(self.latent_factors)

    def penalty(self) -> Float[Tensor, ""]:
        """Return what the prior of W adds to the negative log marginal likelihood of all ratings, in nats."""
        return PROJECTION_PRECISION * (self.projection**2).sum() / 2

    def predict_one_step(self, features: RatingFeatures, windows: Windows) -> OneStepPredictions:
        """Predict every rating of the windows from the earlier ratings there.

        Args:
            features: of all ratings.
            windows: indices of ratings, oldest first; -1 is padding.
        """
        joint = self.joint(features, windows)
        L = torch.linalg.cholesky(joint.matrix())
        z = torch.linalg.solve_triangular(L, joint.masked_residual().unsqueeze(2), upper=False).squeeze(2)
        mean = torch.einsum("bij,bj->bi", L.tril(-1), z) + joint.prior_mean
        return OneStepPredictions(mean, L.diagonal(dim1=1, dim2=2), z)

    def negative_log_likelihood(self, features: RatingFeatures, windows: Windows) -> Likelihood:
        """Return the loss of all ratings of the windows, each given the earlier ones; args as above."""
        return negative_log_likelihood(self.joint(features, windows))

    def precompute_candidates(self, features: RatingFeatures) -> CandidateCache:
        """Compute what ``predict_candidates`` needs of ratings, whatever their rank and time."""
        factors = self.feature_map(features)
        blocks = self.entity_blocks(features.movie)
        C = (factors**2).sum(dim=1) + self.shared_entities.diagonal(blocks)
        zero = factors.new_zeros(1)
        variance = self.covariance(C, zero, zero)
        noise = self._noise_variance(features)
        return CandidateCache(
            factors=factors,
            entities=torch.cat(blocks, dim=1),
            prior_mean=self.regression.prior_mean(features.movie_features, features.is_unrated),
            variance=variance + noise,
        )

    def predict_candidates(
        self,
        features: RatingFeatures,
        window: Int64[Tensor, " size"],
        candidates: CandidateCache,
        some_day: bool = False,
    ) -> CandidatePredictions:
        """Predict candidates at the rank and time of a window's last rating, with one factorization for all.

        Args:
            features: of all ratings.
            window: indices of the history's ratings and of the target.
            candidates: from ``precompute_candidates``.
            some_day: predict at an infinite distance instead, where no drift is left.
        """
        history = features.select(window[:-1].unsqueeze(0))
        C, cross_C = self._movie_covariances(history.movie[0], self.feature_map(history)[0], candidates)
        joint = self._joint(history, C.unsqueeze(0), torch.ones_like(history.movie, dtype=torch.bool))
        L = torch.linalg.cholesky(joint.matrix()[0])
        y = joint.residual[0]
        z = torch.linalg.solve_triangular(L, y.unsqueeze(1), upper=False).squeeze(1)
        k = self._cross_covariance(features, window, cross_C, some_day)
        v = torch.linalg.solve_triangular(L, k.T, upper=False).T
        std = (candidates.variance - torch.linalg.vector_norm(v, dim=1) ** 2).sqrt()
        return CandidatePredictions(
            mean=v @ z + candidates.prior_mean,
            std=std,
            standardized_residual=z,
            solved_covariance=v,
            cholesky_factor=L,
            residual=y,
        )

    def covariance(
        self, movie_covariance: Float[Tensor, "..."], rank: RankDistances, time: Distances
    ) -> Float[Tensor, "..."]:
        """Return k, stars².

        Args:
            movie_covariance: C of the ratings' movies.
            rank: number of ratings between them.
            time: seconds between them.
        """
        return torch.addcmul(self.user_drift(rank, time), movie_covariance, self.temporal_decay(rank, time))

    def user_drift(self, rank: RankDistances, time: Distances) -> Distances:
        """Return the summands of k that depend on no movie: the user's mean and its drift."""
        return (self.constant() + self.rank_drift(rank)) + self.time_drift(time)

    def joint(self, features: RatingFeatures, windows: Windows) -> JointDistribution:
        """Return the joint distribution of the ratings of windows."""
        ratings = features.select(windows.clamp(min=0))
        return self._joint(ratings, self._movie_covariance(ratings), windows >= 0)

    def _joint(
        self, ratings: RatingFeatures, movie_covariance: Square, is_rating: Bool[Tensor, "windows size"]
    ) -> JointDistribution:
        dtype = movie_covariance.dtype
        rank = pairwise_distances(_relative_ranks(ratings.rank, is_rating), dtype)
        time = pairwise_distances(ratings.time, dtype)
        m = self.regression.prior_mean(ratings.movie_features, ratings.is_unrated)
        return JointDistribution(
            covariance=self.covariance(movie_covariance, rank, time),
            noise_variance=self._noise_variance(ratings),
            residual=ratings.residual - m,
            prior_mean=m,
            is_rating=is_rating,
        )

    def _noise_variance(self, ratings: RatingFeatures) -> Float[Tensor, "*shape"]:
        """Return σ_n²: the noise of a rating, and the uncertainty of its movie's latent factors."""
        variance = self.noise(self.regression.log_noise_factor(ratings.noise_features)) + JITTER
        latent_variance = self.latent_variance[ratings.fold, ratings.movie]
        return variance + self.latent.weights() * latent_variance * ~ratings.is_unrated

    def _movie_covariance(self, ratings: RatingFeatures) -> Square:
        """Return C between the movies of each window."""
        factors = self.feature_map(ratings)
        return factors @ factors.transpose(1, 2) + self.shared_entities(self.entity_blocks(ratings.movie))

    def _movie_covariances(
        self,
        movie: Int64[Tensor, " history"],
        factors: Float[Tensor, "history factors"],
        candidates: CandidateCache,
    ) -> tuple[Float[Tensor, "history history"], Float[Tensor, "candidates history"]]:
        """Return C between the movies of a history, and C between candidates and these movies."""
        blocks = self.entity_blocks(movie)
        entities = torch.cat([torch.cat(blocks, dim=1), candidates.entities])
        shared = self.shared_entities.cross(blocks, entities)
        C = torch.addmm(shared, torch.cat([factors, candidates.factors]), factors.T)
        return C[: len(movie)], C[len(movie) :]

    def _cross_covariance(
        self,
        features: RatingFeatures,
        window: Int64[Tensor, " size"],
        movie_covariance: Float[Tensor, "candidates history"],
        some_day: bool,
    ) -> Float[Tensor, "candidates history"]:
        """Return k between candidates in place of the window's last rating and the ratings before it."""
        if some_day:  # the limit of k
            return movie_covariance + self.constant()
        dtype = movie_covariance.dtype
        rank = pairwise_distances(features.rank[window].unsqueeze(0), dtype)[0, -1:, :-1]
        time = pairwise_distances(features.time[window].unsqueeze(0), dtype)[0, -1:, :-1]
        return self.covariance(movie_covariance, rank, time)

    def feature_map(self, ratings: RatingFeatures) -> Float[Tensor, "*shape factors"]:
        """Return the feature map whose dot products are C without the shared entities."""
        movie = ratings.movie
        x = ratings.movie_features
        w = self.cooccurrence[ratings.is_unrated.long(), movie]
        q = self.cooccurrence[1, movie]
        z = self.content_vectors[movie]
        v = self.latent_factors[ratings.fold, movie] * ~ratings.is_unrated.unsqueeze(-1)
        e = torch.cat([w, 0.5 * z], dim=-1) @ self.projection
        v = v * self.latent.root_weights()
        q = q * self.predicted.root_weights()
        root_w, root_z = self.cosine.root_weights()
        return torch.cat([e, v, root_w * w, root_z * z, q, x * self.linear.root_weights()], dim=-1)

    def entity_blocks(self, movie: Int64[Tensor, "*shape"]) -> list[Int64[Tensor, "*shape _"]]:
        """Return the entities of movies, one block per type; 0 is none."""
        return [getattr(self, name)[movie] for name in self.entity_block_names]


def _relative_ranks(
    rank: Float64[Tensor, "windows size"], is_rating: Bool[Tensor, "windows size"]
) -> Float64[Tensor, "#windows size"]:
    """Return the ranks after each window's first: one row for all windows if they are equal, as is usual."""
    position = torch.arange(rank.shape[1], dtype=rank.dtype, device=rank.device)
    relative = torch.where(is_rating, rank - rank[:, :1], position)
    is_consecutive = bool((relative == position).all())
    return position.unsqueeze(0) if is_consecutive else relative

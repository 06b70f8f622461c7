"""A person as a Gaussian process over movies and time.

Ratings minus the movie's mean are r = o + w·x + f(movie, time) + noise, where f is a zero-mean
Gaussian process of one form for all people (Rasmussen & Williams 2006, ch. 2):

    k((i, t), (j, s)) = c + Σ a e^(−|rank gap|/ρ) + Σ a e^(−|t − s|/τ) + C_ij · (1 + Σ a · fading)
    C_ij = e_i·e_j + a v_i·v_j + a w_i·w_j + a z_i·z_j + Σ_type a · shared entities + x_i D x_j

v are the vectors of ``reelgraph.raters.gp.movie_factors``, whose variance is noise, w co-watch vectors,
z the movie vectors, x the movie's mean, popularity and year, and
e = [w, z/2] W + learned vectors of the movie and of its entities. Those have a Gaussian prior and are
learned by variational inference, so that they say as much as their ratings allow and no more.
One Cholesky factor of a window gives the one-step-ahead prediction of every rating in it.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn.functional import embedding, embedding_bag

from reelgraph.raters.gp.kernel import (
    DAY,
    RANKS,
    SECONDS,
    Between,
    Rows,
    Square,
    decaying,
    gaps,
    shared_entities,
)
from reelgraph.raters.gp.movie_content import MovieContent
from reelgraph.raters.gp.movie_factors import LatentFactors
from reelgraph.raters.gp.types import CandidateCache, CandidatePredictions, OneStepPredictions, RatingFeatures

METRIC_PRECISION = 300.0
"""Of the Gaussian prior of W."""
JITTER = 1e-3
FITTED = ("cowatch", "latent_factors", "latent_variance")
"""Constants that come of the ratings, and are saved."""
FIRST_REACH, FIRST_DOUBT = 0.05, -1.0


class GaussianProcess(nn.Module):
    """The kernel's weights, and predictions by Cholesky factors."""

    cowatch: Float[Tensor, "movies cowatch"]
    latent_factors: Float[Tensor, "tables movies taste"]
    latent_variance: Float[Tensor, "tables movies"]
    vectors: Float[Tensor, "movies dim"]
    tokens: Int64[Tensor, "movies tokens"]
    kind: Int64[Tensor, " numbers"]

    def __init__(
        self,
        content: MovieContent,
        cowatch: Float[Tensor, "movies cowatch"],
        tastes: LatentFactors,
        factors: int,
    ) -> None:
        super().__init__()
        blocks = [torch.from_numpy(block) for block in content.entity_blocks]
        numbers = torch.arange(1, content.n_movies + 1).unsqueeze(1)
        entities = [
            torch.from_numpy(block) + content.n_movies * torch.from_numpy(block > 0)
            for block in content.shared_only()
        ]
        tokens = torch.cat([numbers, *entities], dim=1)
        kinds = torch.repeat_interleave(
            torch.arange(len(blocks) + 1), torch.tensor([1] + [b.shape[1] for b in blocks])
        )
        kind = torch.zeros(int(tokens.max()) + 1, dtype=torch.int64)
        kind[tokens.flatten()] = kinds.expand(tokens.shape).flatten()
        self._constants(cowatch=cowatch, latent_factors=tastes.vectors, latent_variance=tastes.variance)
        self._constants(vectors=torch.from_numpy(content.vectors), tokens=tokens, kind=kind)
        self._constants(**{f"block_{i}": block for i, block in enumerate(blocks)})
        self.blocks, self.factors = len(blocks), factors
        self.constant, self.noise, self.cosines = _log(0.1), _log(0.5), _log(0.05, 2)
        self.taste = _log(0.5)
        self.by_rank, self.by_time = _log(0.02, len(RANKS)), _log(0.02, len(SECONDS))
        self.same, self.slopes = _log(0.02, len(blocks)), _log(0.02, 4)
        self.fading, self.reach = _log(0.14, 3), _log(FIRST_REACH, len(blocks) + 1)
        self.noise_slopes, self.offset, self.linear = _zeros(2), _zeros(1), _zeros(4)
        inputs = cowatch.shape[1] + content.vectors.shape[1]
        self.metric = nn.Parameter(torch.randn(inputs, factors) * 0.1 / math.sqrt(inputs))
        self.means = nn.Parameter(torch.randn(len(kind), factors) * 0.1)
        self.doubt = nn.Parameter(torch.full((len(kind), 1), FIRST_DOUBT))

    def _constants(self, **tensors: Tensor) -> None:
        for name, tensor in tensors.items():
            self.register_buffer(name, tensor, persistent=name in FITTED)

    def penalty(self) -> Float[Tensor, ""]:
        """Negative log prior of W, and the learned vectors' divergence from their prior, in nats."""
        apart = self.means**2 + (2 * self.doubt).exp() - 1 - 2 * self.doubt
        return (METRIC_PRECISION * (self.metric**2).sum() + apart[1:].sum()) / 2

    def predict_one_step(self, columns: RatingFeatures, rows: Rows) -> OneStepPredictions:
        """Predict every rating of the windows from the earlier ones there."""
        covariance, residual, level = self._joint(columns, rows, self._vectors())
        factor = torch.linalg.cholesky(covariance)
        surprise = torch.linalg.solve_triangular(factor, residual.unsqueeze(-1), upper=False).squeeze(-1)
        earlier = torch.einsum("bij,bj->bi", factor.tril(-1), surprise)
        return OneStepPredictions(earlier + level, factor.diagonal(dim1=1, dim2=2), surprise)

    def precompute_candidates(self, columns: RatingFeatures) -> CandidateCache:
        """Prepare ratings for ``beside``; what place and time they have doesn't matter."""
        vectors = means, left = self._vectors()
        movie, x, now = columns.movie, columns.movie_features, torch.zeros(1)
        factors, blocks = self._factors(movie, columns.fold, x, means), self._blocks(movie)
        shared = sum(weight * (b > 0).sum(dim=1) for weight, b in zip(self.same.exp(), blocks, strict=True))
        variance = self.covariance((factors**2).sum(dim=1) + shared, now, now)
        noise = self._noise(columns.noise_features, movie, columns.fold, left)
        return CandidateCache(vectors, factors, torch.cat(blocks, dim=1), self._level(x), variance + noise)

    def predict_candidates(
        self, columns: RatingFeatures, row: Int64[Tensor, " size"], others: CandidateCache
    ) -> CandidatePredictions:
        """Predict others in the place of one window's last rating: one factorisation for all."""
        covariance, residual, _ = self._joint(columns, row.unsqueeze(0), others.vectors)
        factor, history = torch.linalg.cholesky(covariance[0, :-1, :-1]), row[:-1]
        movie, over = columns.movie[history], residual[0, :-1]
        factors = self._factors(
            movie, columns.fold[history], columns.movie_features[history], others.vectors[0]
        )
        taste = others.factors @ factors.T + self._shared_with(movie, others.entities)
        rank, time = (gaps(x[row].unsqueeze(0))[0, -1:, :-1] for x in (columns.rank, columns.time))
        whiten = torch.linalg.solve_triangular(factor, torch.eye(len(movie)), upper=False)
        solved = self.covariance(taste, rank, time) @ whiten.T
        surprise, spread = whiten @ over, (others.variance - (solved**2).sum(dim=1)).sqrt()
        return CandidatePredictions(solved @ surprise + others.level, spread, surprise, solved, whiten, over)

    def covariance(self, taste: Float[Tensor, "..."], rank: Between, time: Between) -> Float[Tensor, "..."]:
        """Return the covariance without noise of ratings so far apart whose movies are that alike."""
        return taste * self._fading(rank, time) + self._mood(rank, time)

    def _joint(
        self,
        columns: RatingFeatures,
        rows: Rows,
        vectors: tuple[Float[Tensor, "tokens factors"], Float[Tensor, " tokens"]],
    ) -> tuple[Square, Float[Tensor, "windows size"], Float[Tensor, "windows size"]]:
        """Return covariance with noise, residuals over the level, and the level o + w·x."""
        real, at = rows >= 0, rows.clamp(min=0)
        movie, table, x = columns.movie[at], columns.fold[at], columns.movie_features[at]
        means, left = vectors
        rank, time = gaps(columns.rank[at]), gaps(columns.time[at])
        covariance = self.covariance(self._taste(movie, table, x, means), rank, time)
        noise = self._noise(columns.noise_features[at], movie, table, left)
        level = self._level(x)
        diagonal = torch.diag_embed(torch.where(real, noise, 1.0))
        both = real.unsqueeze(2) & real.unsqueeze(1)
        return covariance * both + diagonal, (columns.residual[at] - level) * real, level

    def _level(self, x: Float[Tensor, "*shape 4"]) -> Float[Tensor, "*shape"]:
        return self.offset + x @ self.linear

    def _noise(
        self,
        noise: Float[Tensor, "*shape 2"],
        movie: Int64[Tensor, "*shape"],
        table: Int64[Tensor, "*shape"],
        left: Float[Tensor, " tokens"],
    ) -> Float[Tensor, "*shape"]:
        """Return the noise's variance: that of a rating, and what the vectors leave out."""
        known = (self.noise + noise @ self.noise_slopes).exp() + JITTER
        known = known + self.taste.exp() * self.latent_variance[table, movie]
        return known + left[self.tokens[movie]].sum(dim=-1)

    def _vectors(self) -> tuple[Float[Tensor, "tokens factors"], Float[Tensor, " tokens"]]:
        """Return a draw of the learned vectors; in eval mode their means, and the variance left out."""
        scale = self.reach.exp()[self.kind].unsqueeze(1) * (torch.arange(len(self.kind)) > 0).unsqueeze(1)
        spread = scale * self.doubt.exp()
        if self.training:
            return scale * self.means + spread * torch.randn_like(self.means), torch.zeros(len(scale))
        return scale * self.means, self.factors * (spread**2).squeeze(1)

    def _taste(
        self,
        movie: Int64[Tensor, "windows size"],
        table: Int64[Tensor, "windows size"],
        x: Float[Tensor, "windows size 4"],
        means: Float[Tensor, "tokens factors"],
    ) -> Square:
        """Return C: how alike the movies are."""
        factors = self._factors(movie, table, x, means)
        taste = factors @ factors.transpose(1, 2)
        for weight, block in zip(self.same.exp(), self._blocks(movie), strict=True):
            taste = taste + weight * shared_entities(block)
        return taste

    def _factors(
        self,
        movie: Int64[Tensor, "*shape"],
        table: Int64[Tensor, "*shape"],
        x: Float[Tensor, "*shape 4"],
        means: Float[Tensor, "tokens factors"],
    ) -> Float[Tensor, "*shape dim"]:
        """Return vectors whose products are C but for the shared entities."""
        w, z = self.cowatch[movie], self.vectors[movie]
        learned = torch.cat([w, 0.5 * z], dim=-1) @ self.metric
        learned = learned + embedding(self.tokens[movie], means).sum(dim=-2)
        a, b = (self.cosines / 2).exp()
        v = self.latent_factors[table, movie] * (self.taste / 2).exp()
        return torch.cat([learned, v, a * w, b * z, x * (self.slopes / 2).exp()], dim=-1)

    def _blocks(self, movie: Int64[Tensor, "*shape"]) -> list[Int64[Tensor, "*shape _"]]:
        return [getattr(self, f"block_{i}")[movie] for i in range(self.blocks)]

    def _shared_with(
        self, movie: Int64[Tensor, " size"], entities: Int64[Tensor, "others tokens"]
    ) -> Float[Tensor, "others size"]:
        """Return the weighted number of entities that others share with movies: gathered, not compared."""
        if not len(movie):  # embedding_bag sums columns that there are none of
            return torch.zeros(len(entities), 0)
        blocks = self._blocks(movie)
        theirs, place = torch.unique(torch.cat(blocks, dim=1), return_inverse=True)
        weight = torch.cat([w.expand(b.shape[1]) for w, b in zip(self.same.exp(), blocks, strict=True)])
        table = torch.zeros(len(theirs) + 1, len(movie))
        table[place + 1, torch.arange(len(movie)).unsqueeze(1)] = weight.expand(place.shape)
        number = torch.zeros(1 + max(int(theirs[-1]), int(entities.max())), dtype=torch.int64)
        number[theirs] = torch.arange(1, len(theirs) + 1)
        number[0] = 0
        return embedding_bag(number[entities], table, mode="sum", padding_idx=0)

    def _fading(self, rank: Between, time: Between) -> Between:
        """Return how much more alike tastes are between ratings that lie close together."""
        a, b, c = self.fading.exp()
        late = c * torch.exp(-time / (90 * DAY))
        return 1 + decaying(rank, (10.0, 100.0), torch.stack([a, b])) + late

    def _mood(self, rank: Between, time: Between) -> Between:
        """Return the part that no movie bears on: the person's level, and how it drifts."""
        drift = decaying(rank, RANKS, self.by_rank.exp()) + decaying(time, SECONDS, self.by_time.exp())
        return self.constant.exp() + drift


def _log(value: float, count: int = 1) -> nn.Parameter:
    return nn.Parameter(torch.full((count,), math.log(value)))


def _zeros(count: int) -> nn.Parameter:
    return nn.Parameter(torch.zeros(count))

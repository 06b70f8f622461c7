"""The reference rater: a target asks a history which of its ratings bear on it."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn
from torch.nn.functional import dropout, linear

from reelgraph.raters.networks.base import Network, RatingEmbedding
from reelgraph.sequences.batches import Batch

HEAD_WEIGHT = 0.7
"""Share of the head in a prediction; the rest is the bias that taste alone gives."""


class EncodedHistory(NamedTuple):
    """UserHistories as targets meet them."""

    key: Float[Tensor, "batch history hidden"]
    value: Float[Tensor, "batch history hidden"]
    rating: Float[Tensor, "batch history hidden"]
    mask: Bool[Tensor, "batch history"]


class AttentionRater(Network):
    """Scaled dot-product attention of the target over the rated history.

    181,762 parameters at hidden size 128 over 300-dimensional movie vectors.
    """

    def __init__(self, movies: Float[Tensor, "movies dim"], hidden_dim: int, dropout: float) -> None:
        super().__init__(movies)
        dim = movies.shape[1]
        self.dropout = dropout
        self.query = nn.Linear(dim, hidden_dim)
        self.key = nn.Linear(dim, hidden_dim)
        self.rating_embedding = RatingEmbedding(hidden_dim)
        self.value = nn.Linear(dim + hidden_dim, hidden_dim)
        self.head = nn.Sequential(
            nn.Linear(2 * hidden_dim, hidden_dim),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden_dim, hidden_dim // 2),
            nn.ReLU(),
            nn.Linear(hidden_dim // 2, 1),
            nn.Sigmoid(),
        )
        self.bias = nn.Sequential(nn.Linear(hidden_dim, 1), nn.Sigmoid())

    def encode_history(self, batch: Batch) -> EncodedHistory:
        """Return the batch's histories as targets meet them."""
        watched = self.movies[batch.history]
        code = self.rating_embedding(batch.ratings)
        value = self.value(torch.cat([watched, code], dim=-1))
        return EncodedHistory(self.key(watched), value, code, batch.mask)

    def score(
        self, encoded: EncodedHistory, targets: Int64[Tensor, "batch targets"]
    ) -> Float[Tensor, "batch targets"]:
        """Predict the scaled ratings of several targets for each history."""
        query = self.query(self.movies[targets])
        weights = self.attention_weights(query, encoded.key, encoded.mask)
        return self._combine_heads(query, weights @ encoded.value, weights @ encoded.rating)

    def _combine_heads(
        self,
        query: Float[Tensor, "batch targets hidden"],
        context: Float[Tensor, "batch targets hidden"],
        taste: Float[Tensor, "batch targets hidden"],
    ) -> Float[Tensor, "batch targets"]:
        """Predict from what the history says of each target: its ratings, and their codes alone."""
        head = self.head(torch.cat([context, query], dim=-1)).squeeze(-1)
        bias = self.bias(taste).squeeze(-1)
        return HEAD_WEIGHT * head + (1 - HEAD_WEIGHT) * bias

    def with_cached_projections(self) -> Network:
        """Return what predicts the same without a product a rating."""
        return CachedAttention(self)

    def attention_weights(
        self,
        query: Float[Tensor, "batch targets hidden"],
        key: Float[Tensor, "batch history hidden"],
        mask: Bool[Tensor, "batch history"],
    ) -> Float[Tensor, "batch targets history"]:
        """Masked softmax; all zero where the history is empty."""
        scores = query @ key.transpose(1, 2) / query.shape[-1] ** 0.5
        lowest, mask = torch.finfo(scores.dtype).min, mask.unsqueeze(1)
        weights = torch.softmax(scores.masked_fill(~mask, lowest), dim=-1) * mask
        return dropout(weights, self.dropout, self.training)


class CachedAttention(Network):
    """An attention rater that has projected each movie once, and so is only good as long as its weights stay.

    A history's ratings are then looked up; what is linear in the codes is applied to their weighted mean.
    """

    def __init__(self, rater: AttentionRater) -> None:
        super().__init__(rater.movies)
        hidden = rater.query.out_features
        self.rater = rater
        self.query, self.key = rater.query(rater.movies), rater.key(rater.movies)
        self.value = linear(rater.movies, rater.value.weight[:, :-hidden], rater.value.bias)
        self.of_code = rater.value.weight[:, -hidden:]

    def encode_history(self, batch: Batch) -> EncodedHistory:
        """Return the batch's histories as targets meet them; ``value`` lacks the codes' part."""
        code = self.rater.rating_embedding(batch.ratings)
        return EncodedHistory(self.key[batch.history], self.value[batch.history], code, batch.mask)

    def score(
        self, encoded: EncodedHistory, targets: Int64[Tensor, "batch targets"]
    ) -> Float[Tensor, "batch targets"]:
        """Predict the scaled ratings of several targets for each history."""
        query = self.query[targets]
        weights = self.rater.attention_weights(query, encoded.key, encoded.mask)
        taste = weights @ encoded.rating
        return self.rater._combine_heads(query, weights @ encoded.value + linear(taste, self.of_code), taste)

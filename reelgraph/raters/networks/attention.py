"""The reference rater: attention of the target over the user's last ratings."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn
from torch.nn.functional import dropout, linear

from reelgraph.params.model import RaterConfig
from reelgraph.raters.networks.base import ForwardHistories, Network, RatingEmbedding
from reelgraph.raters.networks.network_rater import network_rater_type
from reelgraph.sequences.batches import Batch

HEAD_WEIGHT = 0.7
"""Weight of the head in a prediction; 1 − HEAD_WEIGHT is that of the bias, which reads ratings alone."""


class EncodedHistory(NamedTuple):
    """Keys, values and rating embeddings of padded histories."""

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

    @classmethod
    def from_config(cls, movies: Float[Tensor, "movies dim"], config: RaterConfig) -> AttentionRater:
        """Return an untrained network."""
        return cls(movies, config.model.hidden_dim, config.model.dropout)

    def encode_history(self, batch: Batch) -> EncodedHistory:
        """Return keys, values and rating embeddings of the batch's histories."""
        vectors = self.movies[batch.history]
        rating = self.rating_embedding(batch.ratings)
        value = self.value(torch.cat([vectors, rating], dim=-1))
        return EncodedHistory(self.key(vectors), value, rating, batch.mask)

    def score(
        self, encoded: EncodedHistory, targets: Int64[Tensor, "batch targets"]
    ) -> Float[Tensor, "batch targets"]:
        """Predict the normalized ratings of several targets for each history."""
        query = self.query(self.movies[targets])
        weights = self.attention_weights(query, encoded.key, encoded.mask)
        return self.combine_heads(query, weights @ encoded.value, weights @ encoded.rating)

    def combine_heads(
        self,
        query: Float[Tensor, "batch targets hidden"],
        context: Float[Tensor, "batch targets hidden"],
        rating: Float[Tensor, "batch targets hidden"],
    ) -> Float[Tensor, "batch targets"]:
        """Return the weighted mean of head and bias.

        Args:
            query: queries of the targets.
            context: attention-weighted means of the history's values.
            rating: attention-weighted means of the history's rating embeddings.
        """
        head = self.head(torch.cat([context, query], dim=-1)).squeeze(-1)
        bias = self.bias(rating).squeeze(-1)
        return HEAD_WEIGHT * head + (1 - HEAD_WEIGHT) * bias

    def with_cached_projections(self) -> Network:
        """Return an equal network that projects each movie once."""
        return CachedAttention(self)

    def forward_histories(self, max_history: int, dtype: torch.dtype) -> ForwardHistories:
        """Return the forward pass over whole histories in blocks; see ``SlidingWindowRater``."""
        from reelgraph.raters.networks.sliding_window import SlidingWindowRater  # imports this module

        return SlidingWindowRater(self, max_history, dtype).forward_histories

    def attention_weights(
        self,
        query: Float[Tensor, "batch targets hidden"],
        key: Float[Tensor, "batch history hidden"],
        mask: Bool[Tensor, "batch history"],
    ) -> Float[Tensor, "batch targets history"]:
        """Return the masked softmax of the scores; all zero for an empty history."""
        scores = query @ key.transpose(1, 2) / query.shape[-1] ** 0.5
        mask = mask.unsqueeze(1)
        weights = torch.softmax(scores.masked_fill(~mask, torch.finfo(scores.dtype).min), dim=-1) * mask
        return dropout(weights, self.dropout, self.training)


class CachedAttention(Network):
    """An attention rater whose query, key and value projections of each movie are computed once.

    The projections of a history's movies are looked up. The linear map of the rating embeddings is applied to
    their weighted mean. Valid until the rater's weights change.
    """

    def __init__(self, rater: AttentionRater) -> None:
        super().__init__(rater.movies)
        hidden_dim = rater.query.out_features
        self.rater = rater
        self.query = rater.query(rater.movies)
        self.key = rater.key(rater.movies)
        self.value = linear(rater.movies, rater.value.weight[:, :-hidden_dim], rater.value.bias)
        self.rating_weight = rater.value.weight[:, -hidden_dim:]

    def encode_history(self, batch: Batch) -> EncodedHistory:
        """Return the encoded histories; ``value`` lacks the part of the rating embeddings."""
        rating = self.rater.rating_embedding(batch.ratings)
        return EncodedHistory(self.key[batch.history], self.value[batch.history], rating, batch.mask)

    def score(
        self, encoded: EncodedHistory, targets: Int64[Tensor, "batch targets"]
    ) -> Float[Tensor, "batch targets"]:
        """Predict the normalized ratings of several targets for each history."""
        query = self.query[targets]
        weights = self.rater.attention_weights(query, encoded.key, encoded.mask)
        rating = weights @ encoded.rating
        context = weights @ encoded.value + linear(rating, self.rating_weight)
        return self.rater.combine_heads(query, context, rating)


RATER = network_rater_type(
    AttentionRater, "an attention network over the last ratings", supports_user_batches=True
)

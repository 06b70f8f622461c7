"""The transformer rater: an encoder over the user's last ratings, and cross-attention from the target."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from reelgraph.params.model import RaterConfig
from reelgraph.raters.networks.base import Network, RatingEmbedding
from reelgraph.raters.networks.network_rater import network_rater_type
from reelgraph.sequences.batches import Batch

WAVELENGTH = 10_000.0
"""Longest wavelength of the sinusoids, over 2π (Vaswani et al. 2017)."""


class EncodedHistory(NamedTuple):
    """Encoder outputs of padded histories."""

    tokens: Float[Tensor, "batch history hidden"]
    padding: Bool[Tensor, "batch history"]
    is_empty: Bool[Tensor, "batch 1"]
    """True for an empty history."""


class TransformerRater(Network):
    """Encoder over the history, cross-attention with the target as query, MLP head.

    Positions count from the history's end: the last rating has position 0 for any length and padding.
    They are encoded as sinusoids (Vaswani et al. 2017, "Attention Is All You Need").
    """

    def __init__(
        self,
        movies: Float[Tensor, "movies dim"],
        hidden_dim: int,
        dropout: float,
        layers: int,
        heads: int,
    ) -> None:
        super().__init__(movies)
        self.project = nn.Linear(movies.shape[1], hidden_dim)
        self.rating_embedding = RatingEmbedding(hidden_dim)
        layer = nn.TransformerEncoderLayer(hidden_dim, heads, 4 * hidden_dim, dropout, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.cross_attention = nn.MultiheadAttention(hidden_dim, heads, dropout, batch_first=True)
        self.head = nn.Sequential(
            nn.Linear(2 * hidden_dim, hidden_dim),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden_dim, 1),
            nn.Sigmoid(),
        )

    @classmethod
    def from_config(cls, movies: Float[Tensor, "movies dim"], config: RaterConfig) -> TransformerRater:
        """Return an untrained network."""
        model = config.model
        return cls(movies, model.hidden_dim, model.dropout, model.layers, model.heads)

    def encode_history(self, batch: Batch) -> EncodedHistory:
        """Return the encoder's outputs for the batch's histories."""
        tokens = self.project(self.movies[batch.history]) + self.rating_embedding(batch.ratings)
        tokens = tokens + _positional_encoding(*tokens.shape[1:]).to(tokens)
        # Attention over no keys is undefined: an empty history attends to its padding, and `score` zeroes it.
        is_empty = ~batch.mask.any(dim=1, keepdim=True)
        padding = ~(batch.mask | is_empty)
        return EncodedHistory(self.encoder(tokens, src_key_padding_mask=padding), padding, is_empty)

    def score(
        self, encoded: EncodedHistory, targets: Int64[Tensor, "batch targets"]
    ) -> Float[Tensor, "batch targets"]:
        """Predict the normalized ratings of several targets for each history."""
        query = self.project(self.movies[targets])
        tokens = encoded.tokens
        context, _ = self.cross_attention(
            query, tokens, tokens, key_padding_mask=encoded.padding, need_weights=False
        )
        context = context * ~encoded.is_empty.unsqueeze(2)
        return self.head(torch.cat([context, query], dim=-1)).squeeze(-1)


def _positional_encoding(length: int, dim: int) -> Float[Tensor, "length dim"]:
    """Return sinusoids of the distance from the end; the last row is position 0."""
    distance = torch.arange(length - 1, -1, -1, dtype=torch.float32).unsqueeze(1)
    rates = WAVELENGTH ** (-torch.arange(0, dim, 2, dtype=torch.float32) / dim)
    waves = torch.stack([torch.sin(distance * rates), torch.cos(distance * rates)], dim=-1)
    return waves.reshape(length, dim)


RATER = network_rater_type(TransformerRater, "a transformer over the last ratings")

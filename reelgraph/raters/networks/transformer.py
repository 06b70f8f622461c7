"""The second rater: a transformer reads the history, then the target attends over it."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from reelgraph.raters.networks.base import Network, RatingEmbedding
from reelgraph.sequences.batches import Batch

WAVELENGTH = 10_000.0


class EncodedHistory(NamedTuple):
    """UserHistories as targets meet them."""

    tokens: Float[Tensor, "batch history hidden"]
    padding: Bool[Tensor, "batch history"]
    is_empty: Bool[Tensor, "batch 1"]
    """True for an empty history."""


class TransformerRater(Network):
    """Encoder over the history, cross-attention with the target as query, MLP head.

    Positions count from the history's end, so that the last rating has position 0
    whatever the history's length and padding (Vaswani et al. 2017, sinusoids).
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
        self.cross = nn.MultiheadAttention(hidden_dim, heads, dropout, batch_first=True)
        self.head = nn.Sequential(
            nn.Linear(2 * hidden_dim, hidden_dim),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden_dim, 1),
            nn.Sigmoid(),
        )

    def encode_history(self, batch: Batch) -> EncodedHistory:
        """Return the batch's histories as targets meet them."""
        tokens = self.project(self.movies[batch.history]) + self.rating_embedding(batch.ratings)
        tokens = tokens + _positions(*tokens.shape[1:]).to(tokens)
        # Attention over nothing is undefined: an empty history reads its padding, and is blanked below.
        blank = ~batch.mask.any(dim=1, keepdim=True)
        padding = ~(batch.mask | blank)
        return EncodedHistory(self.encoder(tokens, src_key_padding_mask=padding), padding, blank)

    def score(
        self, encoded: EncodedHistory, targets: Int64[Tensor, "batch targets"]
    ) -> Float[Tensor, "batch targets"]:
        """Predict the scaled ratings of several targets for each history."""
        query, read = self.project(self.movies[targets]), encoded.tokens
        context, _ = self.cross(query, read, read, key_padding_mask=encoded.padding, need_weights=False)
        context = context * ~encoded.is_empty.unsqueeze(2)
        return self.head(torch.cat([context, query], dim=-1)).squeeze(-1)


def _positions(length: int, dim: int) -> Float[Tensor, "length dim"]:
    """Sinusoids of the distance from the end: the last row is position 0."""
    distance = torch.arange(length - 1, -1, -1, dtype=torch.float32).unsqueeze(1)
    rates = WAVELENGTH ** (-torch.arange(0, dim, 2, dtype=torch.float32) / dim)
    waves = torch.stack([torch.sin(distance * rates), torch.cos(distance * rates)], dim=-1)
    return waves.reshape(length, dim)

"""The reference rater: a target asks a history which of its ratings bear on it."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn.functional import dropout

from reelgraph.histories.batches import Batch
from reelgraph.raters.rating_code import RatingCode

HEAD_WEIGHT = 0.7
"""Share of the head in a prediction; the rest is the bias that taste alone gives."""


class AttentionRater(nn.Module):
    """Scaled dot-product attention of the target over the rated history.

    181,762 parameters at hidden size 128 over 300-dimensional movie vectors.
    """

    movies: Float[Tensor, "movies dim"]

    def __init__(self, movies: Float[Tensor, "movies dim"], hidden_dim: int, dropout: float) -> None:
        super().__init__()
        dim = movies.shape[1]
        self.register_buffer("movies", movies, persistent=False)
        self.dropout = dropout
        self.query = nn.Linear(dim, hidden_dim)
        self.key = nn.Linear(dim, hidden_dim)
        self.rating_code = RatingCode(hidden_dim)
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

    def forward(self, batch: Batch) -> Float[Tensor, "batch"]:
        """Predict the scaled ratings of the batch's targets."""
        watched = self.movies[batch.history]
        query = self.query(self.movies[batch.target])
        weights = self._weights(query, self.key(watched), batch.mask)
        code = self.rating_code(batch.ratings)
        value = self.value(torch.cat([watched, code], dim=-1))
        context = torch.einsum("bn,bnh->bh", weights, value)
        taste = torch.einsum("bn,bnh->bh", weights, code)
        head = self.head(torch.cat([context, query], dim=-1)).squeeze(-1)
        bias = self.bias(taste).squeeze(-1)
        return HEAD_WEIGHT * head + (1 - HEAD_WEIGHT) * bias

    def _weights(
        self,
        query: Float[Tensor, "batch hidden"],
        key: Float[Tensor, "batch history hidden"],
        mask: Bool[Tensor, "batch history"],
    ) -> Float[Tensor, "batch history"]:
        """Masked softmax; all zero where the history is empty."""
        scores = torch.einsum("bnh,bh->bn", key, query) / query.shape[-1] ** 0.5
        lowest = torch.finfo(scores.dtype).min
        weights = torch.softmax(scores.masked_fill(~mask, lowest), dim=-1) * mask
        return dropout(weights, self.dropout, self.training)

"""Base classes of the network raters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from reelgraph.params.model import RaterConfig
from reelgraph.sequences.batches import Batch
from reelgraph.sequences.dataset import UserHistories

ForwardHistories = Callable[[UserHistories, Int64[np.ndarray, " targets"]], Float[Tensor, " targets"]]
"""Predicts the normalized ratings of all targets of some users."""


class Network(nn.Module):
    """A network over frozen movie vectors that encodes a history once and then scores any target."""

    movies: Float[Tensor, "movies dim"]

    def __init__(self, movies: Float[Tensor, "movies dim"]) -> None:
        super().__init__()
        self.register_buffer("movies", movies, persistent=False)

    @classmethod
    def from_config(cls, movies: Float[Tensor, "movies dim"], config: RaterConfig) -> Network:
        """Return an untrained network.

        Args:
            movies: movie vectors of unit length, in row order.
            config: params of the rater.
        """
        raise NotImplementedError

    def forward(self, batch: Batch) -> Float[Tensor, "batch"]:
        """Predict the normalized ratings of the batch's targets."""
        return self.score(self.encode_history(batch), batch.target.unsqueeze(1)).squeeze(1)

    def encode_history(self, batch: Batch) -> Any:
        """Encode the batch's histories for ``score``."""
        raise NotImplementedError

    def score(self, encoded: Any, targets: Int64[Tensor, "batch targets"]) -> Float[Tensor, "batch targets"]:
        """Predict the normalized ratings of several targets for each history.

        Args:
            encoded: what ``encode_history`` returned.
            targets: movie rows.
        """
        raise NotImplementedError

    def with_cached_projections(self) -> Network:
        """Return an equal network that projects each movie once; it is valid until the weights change."""
        return self

    def forward_histories(self, max_history: int, dtype: torch.dtype) -> ForwardHistories | None:
        """Return a forward pass over whole histories, or None if the network has none.

        Args:
            max_history: number of ratings that a target attends to.
            dtype: dtype of matrix products.
        """
        return None


class RatingEmbedding(nn.Module):
    """Embedding of a normalized rating: Linear(1 → h/2) – ReLU – Linear(h/2 → h)."""

    def __init__(self, hidden_dim: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(1, hidden_dim // 2), nn.ReLU(), nn.Linear(hidden_dim // 2, hidden_dim)
        )

    def forward(self, ratings: Float[Tensor, "batch history"]) -> Float[Tensor, "batch history hidden"]:
        """Embed each rating independently."""
        return self.layers(ratings.unsqueeze(-1))

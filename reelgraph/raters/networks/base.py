"""What the reference's networks have in common: they read a history once, and answer for any target."""

from __future__ import annotations

from typing import Any

from jaxtyping import Float, Int64
from torch import Tensor, nn

from reelgraph.sequences.batches import Batch


class Network(nn.Module):
    """A network over frozen movie vectors."""

    movies: Float[Tensor, "movies dim"]

    def __init__(self, movies: Float[Tensor, "movies dim"]) -> None:
        super().__init__()
        self.register_buffer("movies", movies, persistent=False)

    def forward(self, batch: Batch) -> Float[Tensor, "batch"]:
        """Predict the scaled ratings of the batch's targets."""
        return self.score(self.encode_history(batch), batch.target.unsqueeze(1)).squeeze(1)

    def with_cached_projections(self) -> Network:
        """Return what predicts the same, the faster the more targets are asked; itself where nothing does."""
        return self

    def encode_history(self, batch: Batch) -> Any:
        """Return the batch's histories as targets meet them."""
        raise NotImplementedError

    def score(self, encoded: Any, targets: Int64[Tensor, "batch targets"]) -> Float[Tensor, "batch targets"]:
        """Predict the scaled ratings of several targets for each history."""
        raise NotImplementedError


class RatingEmbedding(nn.Module):
    """Linear(1 → h/2) – ReLU – Linear(h/2 → h) of a scaled rating."""

    def __init__(self, hidden_dim: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(1, hidden_dim // 2), nn.ReLU(), nn.Linear(hidden_dim // 2, hidden_dim)
        )

    def forward(self, ratings: Float[Tensor, "batch history"]) -> Float[Tensor, "batch history hidden"]:
        """Code each rating by itself."""
        return self.layers(ratings.unsqueeze(-1))

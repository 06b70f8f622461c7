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
        return self.answer(self.read(batch), batch.target.unsqueeze(1)).squeeze(1)

    def projected(self) -> Network:
        """Return what predicts the same, the faster the more targets are asked; itself where nothing does."""
        return self

    def read(self, batch: Batch) -> Any:
        """Return the batch's histories as targets meet them."""
        raise NotImplementedError

    def answer(self, memory: Any, targets: Int64[Tensor, "batch targets"]) -> Float[Tensor, "batch targets"]:
        """Predict the scaled ratings of several targets for each history."""
        raise NotImplementedError

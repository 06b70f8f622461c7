"""The code of a rating that both architectures read."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn


class RatingCode(nn.Module):
    """Linear(1 → h/2) – ReLU – Linear(h/2 → h) of a scaled rating."""

    def __init__(self, hidden_dim: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(1, hidden_dim // 2), nn.ReLU(), nn.Linear(hidden_dim // 2, hidden_dim)
        )

    def forward(self, ratings: Float[Tensor, "batch history"]) -> Float[Tensor, "batch history hidden"]:
        """Code each rating by itself."""
        return self.layers(ratings.unsqueeze(-1))

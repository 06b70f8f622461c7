"""From the process's prediction to the probabilities of the ten half stars."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from reelgraph.core.rating_scale import N_CODES, codes_to_stars

CODES = torch.arange(1, N_CODES + 1, dtype=torch.float32)


class OrdinalHead(nn.Module):
    """A normal distribution over the half stars, whose mean, spread and single stars a network corrects.

    The last layer starts at zero: untrained, it is the process's own prediction.
    """

    centre: Float[Tensor, " inputs"]
    scale: Float[Tensor, " inputs"]

    def __init__(self, inputs: int, hidden_dim: int, dropout: float) -> None:
        super().__init__()
        self.register_buffer("centre", torch.zeros(inputs))
        self.register_buffer("scale", torch.ones(inputs))
        self.body = nn.Sequential(
            nn.Linear(inputs, hidden_dim), nn.SiLU(), nn.Dropout(dropout),
            nn.Linear(hidden_dim, hidden_dim), nn.SiLU(), nn.Dropout(dropout),
        )  # fmt: skip
        self.out = nn.Linear(hidden_dim, N_CODES + 2)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(
        self,
        x: Float[Tensor, "batch inputs"],
        mean: Float[Tensor, " batch"],
        spread: Float[Tensor, " batch"],
    ) -> Float[Tensor, "batch codes"]:
        """Return log probabilities of the half stars 0.5 … 5.

        Args:
            x: statistics of movie and history.
            mean: the process's prediction, stars.
            spread: its standard deviation, stars.
        """
        return torch.log_softmax(self.logits(x, mean, spread), dim=1)

    def logits(
        self,
        x: Float[Tensor, "batch inputs"],
        mean: Float[Tensor, " batch"],
        spread: Float[Tensor, " batch"],
    ) -> Float[Tensor, "batch codes"]:
        """Return what ``forward`` makes probabilities of."""
        out = self.out(self.body(((x - self.centre) / self.scale).clamp(-4, 4)))
        middle, width = mean + out[:, 0], spread * torch.exp(0.3 * out[:, 1])
        z = (codes_to_stars(CODES) - middle.unsqueeze(1)) / width.unsqueeze(1)
        return out[:, 2:] - z**2 / 2


def expected_stars(probabilities: Float[Tensor, "batch codes"]) -> Float[Tensor, " batch"]:
    """Return the mean of each distribution, in stars."""
    return probabilities @ codes_to_stars(CODES)

"""The band of ratings that targets see: users stand one after another, cut into blocks of places.

A target sees its user's last ``window`` ratings, so that a block of targets meets its own ratings and those
of the block before.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int16, Int64
from torch import Tensor
from torch.nn.functional import pad

SMALLEST_BLOCK = 32

UNSEEN = -1e30
"""Added to the score of what isn't seen, twice at most; bfloat16 has room for that."""


class Band:
    """Which ratings of its own block and the one before each place sees."""

    def __init__(self, window: int, device: torch.device, dtype: torch.dtype) -> None:
        """Take how many ratings a target sees, and what scores are computed in."""
        self.window, self.block = window, max(SMALLEST_BLOCK, window)
        self.own, both = (torch.arange(count, device=device) for count in (self.block, 2 * self.block))
        lowest = torch.arange(2 * self.block + 1, device=device).unsqueeze(1)
        self.early = ((both < lowest) * UNSEEN).to(dtype)
        self.late = ((both >= self.block + self.own.unsqueeze(1)) * UNSEEN).to(dtype)

    def __call__(
        self, first: Int64[Tensor, " places"]
    ) -> tuple[Float[Tensor, "blocks block two_blocks"], Int16[Tensor, "blocks block 1"]]:
        """Return what to add to each place's scores, and 1 for a place that sees something, 0 for others.

        Args:
            first: place of the user's first rating.
        """
        first = self.cut(first)[1:]
        starts = torch.arange(0, first.numel(), self.block, device=first.device).unsqueeze(1)
        lowest = torch.maximum(self.own - self.window, first - starts) + self.block
        # Rows that are looked up and added are quick; comparing and filling in bools takes ten times as long.
        unseen = self.early.index_select(0, lowest.flatten()).view(*first.shape, -1).add_(self.late)
        return unseen, (lowest < self.block + self.own).to(torch.int16).unsqueeze(2)

    def cut(self, rows: Int64[Tensor, " places"]) -> Int64[Tensor, "blocks_plus_1 block"]:
        """Cut rows into blocks after an empty one, the last one filled up: with zeros, which nobody sees."""
        return pad(rows, (self.block, -len(rows) % self.block)).view(-1, self.block)

"""Attention along a band as one step of autograd: a block of queries meets its own keys and the ones before.

Plain torch would, on the way back, fill a tensor with zeros for each slice and add them all up, and copy for
each of its products what is not in one piece.
"""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float, Int16, Int64
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import pad


class SlidingWindowAttention(torch.autograd.Function):
    """Attention of blocks to themselves and the block before: to values, and to codes of ratings."""

    @staticmethod
    def forward(
        ctx: Any,
        laid: Float[Tensor, "blocks_plus_1 block three_hidden"],
        rated: Float[Tensor, "blocks_plus_1 block codes"],
        unseen: Float[Tensor, "blocks block two_blocks"],
        kept: Float[Tensor, "blocks block two_blocks"],
    ) -> tuple[Float[Tensor, "blocks block joined"], Float[Tensor, "blocks block codes"]]:
        """Return queries, sums of values and of codes side by side; and the latter again.

        Args:
            ctx: keeps what the way back needs.
            laid: of each place query, key and value side by side; a block of no places comes first.
            rated: of each place its code, as a row that is one there and zero elsewhere.
            unseen: what is added to the scores.
            kept: by what weights are multiplied.
        """
        hidden, codes = laid.shape[2] // 3, rated.shape[2]
        query = laid[1:, :, :hidden] * hidden**-0.5
        key = _paired(laid[:, :, hidden : 2 * hidden]).contiguous()
        value = torch.cat([_paired(laid[:, :, 2 * hidden :]), _paired(rated)], dim=2)
        weights = torch.softmax((query @ key.mT).add_(unseen), dim=-1)
        weighed = weights * kept
        ctx.save_for_backward(query, key, value, weights, weighed, kept)
        joined = torch.cat([laid[1:, :, :hidden], weighed @ value], dim=2)
        return joined, joined[:, :, -codes:].contiguous()

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any,
        of_joined: Float[Tensor, "blocks block joined"],
        of_codes: Float[Tensor, "blocks block codes"],
    ) -> tuple[Float[Tensor, "blocks_plus_1 block three_hidden"], None, None, None]:
        """Return the gradient of ``laid``."""
        query, key, value, weights, weighed, kept = ctx.saved_tensors
        hidden = query.shape[2]
        of_sums = of_joined[:, :, hidden:].contiguous()
        of_sums[:, :, hidden:] += of_codes
        of_weights = (of_sums @ value.mT).mul_(kept)
        of_scores = torch._softmax_backward_data(of_weights, weights, -1, weights.dtype)
        of_query = query.new_empty(len(query) + 1, *query.shape[1:])
        of_query[0] = 0
        torch.add(of_joined[:, :, :hidden], of_scores @ key, alpha=hidden**-0.5, out=of_query[1:])
        of_key = _unpaired(of_scores.mT @ query)
        of_value = _unpaired(weighed.mT @ of_sums[:, :, :hidden].contiguous())
        return torch.cat([of_query, of_key, of_value], dim=2), None, None, None


def _paired(rows: Float[Tensor, "blocks_plus_1 block width"]) -> Float[Tensor, "blocks two_blocks width"]:
    """Show each block behind the one before."""
    blocks, block, width = rows.shape
    return rows.as_strided((blocks - 1, 2 * block, width), rows.stride(), rows.storage_offset())


def _unpaired(pairs: Float[Tensor, "blocks two_blocks width"]) -> Float[Tensor, "blocks_plus_1 block width"]:
    """Add up what each block got in its two places."""
    before, own = pairs.chunk(2, dim=1)
    found = pairs.new_empty(len(pairs) + 1, *before.shape[1:])
    found[0], found[-1] = before[0], own[-1]
    torch.add(before[1:], own[:-1], out=found[1:-1])
    return found


MIN_BLOCK_SIZE = 32

MASKED_SCORE = -1e30
"""Added to the score of what isn't seen, twice at most; bfloat16 has room for that."""


class WindowMask:
    """Which ratings of its own block and the one before each place sees."""

    def __init__(self, window: int, device: torch.device, dtype: torch.dtype) -> None:
        """Take how many ratings a target sees, and what scores are computed in."""
        self.window, self.block_size = window, max(MIN_BLOCK_SIZE, window)
        self.own, both = (
            torch.arange(count, device=device) for count in (self.block_size, 2 * self.block_size)
        )
        lowest = torch.arange(2 * self.block_size + 1, device=device).unsqueeze(1)
        self.early = ((both < lowest) * MASKED_SCORE).to(dtype)
        self.late = ((both >= self.block_size + self.own.unsqueeze(1)) * MASKED_SCORE).to(dtype)

    def __call__(
        self, first: Int64[Tensor, " places"]
    ) -> tuple[Float[Tensor, "blocks block two_blocks"], Int16[Tensor, "blocks block 1"]]:
        """Return what to add to each place's scores, and 1 for a place that sees something, 0 for others.

        Args:
            first: place of the user's first rating.
        """
        first = self.split_blocks(first)[1:]
        starts = torch.arange(0, first.numel(), self.block_size, device=first.device).unsqueeze(1)
        lowest = torch.maximum(self.own - self.window, first - starts) + self.block_size
        # Rows that are looked up and added are quick; comparing and filling in bools takes ten times as long.
        unseen = self.early.index_select(0, lowest.flatten()).view(*first.shape, -1).add_(self.late)
        return unseen, (lowest < self.block_size + self.own).to(torch.int16).unsqueeze(2)

    def split_blocks(self, rows: Int64[Tensor, " places"]) -> Int64[Tensor, "blocks_plus_1 block"]:
        """Cut rows into blocks after an empty one, the last one filled up: with zeros, which nobody sees."""
        return pad(rows, (self.block_size, -len(rows) % self.block_size)).view(-1, self.block_size)

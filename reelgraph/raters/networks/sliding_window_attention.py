"""Attention in blocks: a block of queries attends to its own keys and to those of the block before.

Users' ratings follow one another and are split into blocks. A target attends to its user's last ``window``
ratings, and a block has at least ``window`` rows, so that two blocks hold all of them.
"""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float, Int16, Int64
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import pad

MIN_BLOCK_SIZE = 32

MASKED_SCORE = -1e30
"""Added to masked scores, at most twice; within the range of bfloat16."""


class SlidingWindowAttention(torch.autograd.Function):
    """Attention of each block to itself and the block before, over values and over rating codes.

    A single autograd step: torch's own backward would fill and add a tensor for each slice, and copy each
    operand that is not contiguous.
    """

    @staticmethod
    def forward(
        ctx: Any,
        projected: Float[Tensor, "blocks_plus_1 block three_hidden"],
        codes: Float[Tensor, "blocks_plus_1 block codes"],
        mask_bias: Float[Tensor, "blocks block two_blocks"],
        dropout_mask: Float[Tensor, "blocks block two_blocks"],
    ) -> tuple[Float[Tensor, "blocks block attended"], Float[Tensor, "blocks block codes"]]:
        """Return queries, weighted sums of values and of codes side by side; and the latter again.

        Args:
            ctx: saves tensors for ``backward``.
            projected: query, key and value of each row side by side; the first block is empty.
            codes: one-hot rating codes of the rows.
            mask_bias: added to the scores.
            dropout_mask: multiplied with the weights.
        """
        hidden_dim = projected.shape[2] // 3
        n_codes = codes.shape[2]
        query = projected[1:, :, :hidden_dim] * hidden_dim**-0.5
        key = _pair_blocks(projected[:, :, hidden_dim : 2 * hidden_dim]).contiguous()
        value = torch.cat([_pair_blocks(projected[:, :, 2 * hidden_dim :]), _pair_blocks(codes)], dim=2)
        weights = torch.softmax((query @ key.mT).add_(mask_bias), dim=-1)
        dropped_weights = weights * dropout_mask
        ctx.save_for_backward(query, key, value, weights, dropped_weights, dropout_mask)
        attended = torch.cat([projected[1:, :, :hidden_dim], dropped_weights @ value], dim=2)
        return attended, attended[:, :, -n_codes:].contiguous()

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any,
        grad_attended: Float[Tensor, "blocks block attended"],
        grad_codes: Float[Tensor, "blocks block codes"],
    ) -> tuple[Float[Tensor, "blocks_plus_1 block three_hidden"], None, None, None]:
        """Return the gradient of ``projected``."""
        query, key, value, weights, dropped_weights, dropout_mask = ctx.saved_tensors
        hidden_dim = query.shape[2]
        grad_sums = grad_attended[:, :, hidden_dim:].contiguous()
        grad_sums[:, :, hidden_dim:] += grad_codes
        grad_weights = (grad_sums @ value.mT).mul_(dropout_mask)
        grad_scores = torch._softmax_backward_data(grad_weights, weights, -1, weights.dtype)
        grad_query = query.new_empty(len(query) + 1, *query.shape[1:])
        grad_query[0] = 0
        torch.add(
            grad_attended[:, :, :hidden_dim], grad_scores @ key, alpha=hidden_dim**-0.5, out=grad_query[1:]
        )
        grad_key = _sum_paired_blocks(grad_scores.mT @ query)
        grad_value = _sum_paired_blocks(dropped_weights.mT @ grad_sums[:, :, :hidden_dim].contiguous())
        return torch.cat([grad_query, grad_key, grad_value], dim=2), None, None, None


def _pair_blocks(
    rows: Float[Tensor, "blocks_plus_1 block width"],
) -> Float[Tensor, "blocks two_blocks width"]:
    """Return a view of each block after the block before it."""
    blocks, block_size, width = rows.shape
    return rows.as_strided((blocks - 1, 2 * block_size, width), rows.stride(), rows.storage_offset())


def _sum_paired_blocks(
    pairs: Float[Tensor, "blocks two_blocks width"],
) -> Float[Tensor, "blocks_plus_1 block width"]:
    """Return each block's sum over its two occurrences in the pairs."""
    previous, current = pairs.chunk(2, dim=1)
    total = pairs.new_empty(len(pairs) + 1, *previous.shape[1:])
    total[0] = previous[0]
    total[-1] = current[-1]
    torch.add(previous[1:], current[:-1], out=total[1:-1])
    return total


class WindowMask:
    """The mask of each row's window over its own block and the one before."""

    def __init__(self, window: int, device: torch.device, dtype: torch.dtype) -> None:
        """Make the mask.

        Args:
            window: number of ratings that a target attends to.
            device: device of the scores.
            dtype: dtype of the scores.
        """
        self.window = window
        self.block_size = max(MIN_BLOCK_SIZE, window)
        self.row = torch.arange(self.block_size, device=device)
        column = torch.arange(2 * self.block_size, device=device)
        lowest = torch.arange(2 * self.block_size + 1, device=device).unsqueeze(1)
        self.early = ((column < lowest) * MASKED_SCORE).to(dtype)
        self.late = ((column >= self.block_size + self.row.unsqueeze(1)) * MASKED_SCORE).to(dtype)

    def __call__(
        self, first: Int64[Tensor, " rows"]
    ) -> tuple[Float[Tensor, "blocks block two_blocks"], Int16[Tensor, "blocks block 1"]]:
        """Return the bias of each row's scores, and 1 for a row with a non-empty window, else 0.

        Args:
            first: row of the user's first rating.
        """
        first = self.split_blocks(first)[1:]
        start = torch.arange(0, first.numel(), self.block_size, device=first.device).unsqueeze(1)
        lowest = torch.maximum(self.row - self.window, first - start) + self.block_size
        # Looking up rows and adding them is ten times as fast as comparing and filling booleans.
        mask_bias = self.early.index_select(0, lowest.flatten()).view(*first.shape, -1).add_(self.late)
        return mask_bias, (lowest < self.block_size + self.row).to(torch.int16).unsqueeze(2)

    def split_blocks(self, rows: Int64[Tensor, " rows"]) -> Int64[Tensor, "blocks_plus_1 block"]:
        """Split rows into blocks after an empty one; the last block is padded with masked zeros."""
        return pad(rows, (self.block_size, -len(rows) % self.block_size)).view(-1, self.block_size)

"""Sliding-window attention against a plain implementation and finite differences."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck
from torch.nn.functional import one_hot

from reelgraph.core.torch_setup import CPU
from reelgraph.raters.networks.sliding_window_attention import SlidingWindowAttention, WindowMask

HIDDEN, CODES, PLACES = 4, 3, 90


def make_inputs(dtype: torch.dtype, window: int) -> tuple[Tensor, ...]:
    torch.manual_seed(window)
    mask = WindowMask(window, CPU, dtype)
    first = torch.arange(PLACES) // 40 * 40
    mask_bias, is_visible = mask(first)
    projected = torch.randn(len(mask_bias) + 1, mask.block_size, 3 * HIDDEN, dtype=dtype, requires_grad=True)
    codes = one_hot(torch.randint(CODES, projected.shape[:2]), CODES).to(dtype)
    dropout_mask = torch.randint(2, mask_bias.shape) * is_visible
    return projected, codes, mask_bias, dropout_mask.to(dtype)


def plain(projected: Tensor, codes: Tensor, mask_bias: Tensor, dropout_mask: Tensor) -> tuple[Tensor, Tensor]:
    query, key, value = projected.chunk(3, dim=2)
    key, value, codes = (torch.cat([part[:-1], part[1:]], dim=1) for part in (key, value, codes))
    weights = torch.softmax(query[1:] @ key.mT / HIDDEN**0.5 + mask_bias, dim=2) * dropout_mask
    return torch.cat([query[1:], weights @ value, weights @ codes], dim=2), weights @ codes


@pytest.mark.parametrize("window", [1, 30, 70])
def test_sliding_window_attention_equals_plain_attention(window: int) -> None:
    projected, *others = make_inputs(torch.float32, window)
    results = []
    for output in (SlidingWindowAttention.apply(projected, *others), plain(projected, *others)):
        attended, code_sums = output
        loss = (attended.sin() * attended).sum() + (code_sums.cos() * 3).sum()
        results.append((attended, code_sums, *torch.autograd.grad(loss, projected)))
    for actual, expected in zip(*results, strict=True):
        torch.testing.assert_close(actual, expected, atol=1e-5, rtol=1e-5)


def test_sliding_window_attention_passes_gradcheck() -> None:
    assert gradcheck(SlidingWindowAttention.apply, make_inputs(torch.float64, 5), fast_mode=True)

"""The band's one step of autograd has a plain twin, and gradients that differences confirm."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck
from torch.nn.functional import one_hot

from reelgraph.core.torch_setup import CPU
from reelgraph.raters.networks.sliding_window_attention import SlidingWindowAttention, WindowMask

HIDDEN, CODES, PLACES = 4, 3, 90


def given(dtype: torch.dtype, window: int) -> tuple[Tensor, ...]:
    torch.manual_seed(window)
    band = WindowMask(window, CPU, dtype)
    first = torch.arange(PLACES) // 40 * 40
    unseen, sees = band(first)
    laid = torch.randn(len(unseen) + 1, band.block_size, 3 * HIDDEN, dtype=dtype, requires_grad=True)
    rated = one_hot(torch.randint(CODES, laid.shape[:2]), CODES).to(dtype)
    kept = torch.randint(2, unseen.shape) * sees
    return laid, rated, unseen, kept.to(dtype)


def plain(laid: Tensor, rated: Tensor, unseen: Tensor, kept: Tensor) -> tuple[Tensor, Tensor]:
    query, key, value = laid.chunk(3, dim=2)
    key, value, rated = (torch.cat([part[:-1], part[1:]], dim=1) for part in (key, value, rated))
    weights = torch.softmax(query[1:] @ key.mT / HIDDEN**0.5 + unseen, dim=2) * kept
    return torch.cat([query[1:], weights @ value, weights @ rated], dim=2), weights @ rated


@pytest.mark.parametrize("window", [1, 30, 70])
def test_it_and_its_gradients_are_its_twins(window: int) -> None:
    laid, *others = given(torch.float32, window)
    found = []
    for said in (SlidingWindowAttention.apply(laid, *others), plain(laid, *others)):
        joined, codes = said
        loss = (joined.sin() * joined).sum() + (codes.cos() * 3).sum()
        found.append((joined, codes, *torch.autograd.grad(loss, laid)))
    for mine, theirs in zip(*found, strict=True):
        torch.testing.assert_close(mine, theirs, atol=1e-5, rtol=1e-5)


def test_differences_confirm_its_gradients() -> None:
    assert gradcheck(SlidingWindowAttention.apply, given(torch.float64, 5), fast_mode=True)

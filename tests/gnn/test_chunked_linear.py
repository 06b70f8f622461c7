"""Products in pieces are held against torch's own."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import linear as plain

from reelgraph.gnn.chunked_linear import (
    PIECE,
    bf16_enabled,
    linear,
    matmul_precision,
    to_matmul_dtype,
    typed_linear,
)


def both(rows: int, inner: int, width: int, biased: bool):
    torch.manual_seed(1)
    given = [torch.randn(rows, inner), torch.randn(width, inner)] + [torch.randn(width)] * biased
    slope = torch.randn(rows, width)
    for each in given:
        each.requires_grad_()
    for function in (linear, plain):
        found = function(*given)
        yield found, *torch.autograd.grad(found, given, slope)


@pytest.mark.parametrize("biased", [True, False])
@pytest.mark.parametrize("rows", [0, 1, PIECE, 3 * PIECE + 7])
def test_values_and_gradients_are_torchs(rows: int, biased: bool) -> None:
    for mine, theirs in zip(*both(rows, 33, 300, biased), strict=True):
        torch.testing.assert_close(mine, theirs, atol=1e-4, rtol=1e-5)


def test_rows_of_each_type_meet_its_weights_in_every_term() -> None:
    torch.manual_seed(2)
    sizes, width = (3, 0, PIECE + 5), 7
    bias = torch.randn(len(sizes), width, requires_grad=True)
    terms = [
        (torch.randn(sum(sizes), inner, requires_grad=True), torch.randn(len(sizes), width, inner, requires_grad=True))
        for inner in (4, 6)
    ]  # fmt: skip
    expected = torch.cat([
        sum((plain(rows.split(sizes)[kind], weights[kind]) for rows, weights in terms), bias[kind])
        for kind in range(len(sizes))
    ])  # fmt: skip
    found, slope = typed_linear(sizes, bias, *terms), torch.randn(sum(sizes), width)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    leaves = [bias, *(each for term in terms for each in term)]
    mine, theirs = (torch.autograd.grad(each, leaves, slope) for each in (found, expected))
    torch.testing.assert_close(mine, theirs, atol=1e-3, rtol=1e-4)


def test_factors_that_are_rounded_already_give_the_same_bytes() -> None:
    torch.manual_seed(3)
    rows, weight = torch.randn(PIECE + 9, 24), torch.randn(16, 24)
    with matmul_precision("bfloat16"):
        assert torch.equal(linear(to_matmul_dtype(rows), weight), linear(rows, weight))
    assert to_matmul_dtype(rows) is rows


def test_what_needs_no_gradient_gets_none() -> None:
    rows, weight = torch.randn(5, 3), torch.randn(2, 3, requires_grad=True)
    linear(rows, weight).sum().backward()
    assert rows.grad is None
    torch.testing.assert_close(weight.grad, rows.sum(dim=0).expand(2, 3))


def test_bfloat16_rounds_where_the_cpu_has_it() -> None:
    with matmul_precision("bfloat16"):
        rounded, has_it = next(both(2 * PIECE, 64, 300, biased=True)), bf16_enabled()
    exact = next(both(2 * PIECE, 64, 300, biased=True))
    for mine, theirs in zip(rounded, exact, strict=True):
        assert (mine - theirs).abs().max() < 0.02 * theirs.abs().max()
    assert torch.equal(rounded[0], exact[0]) != has_it

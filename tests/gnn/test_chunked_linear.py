"""Chunked products against torch's own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor
from torch.nn.functional import linear as torch_linear

from reelgraph.gnn.chunked_linear import CHUNK_ROWS, linear, typed_linear


def outputs_and_gradients(
    n_rows: int, inner: int, width: int, has_bias: bool, dtype: torch.dtype = torch.float32
) -> Iterator[tuple[Tensor, ...]]:
    """Yield output and gradients, first of ``linear``, then of torch's."""
    torch.manual_seed(1)
    inputs = [torch.randn(n_rows, inner), torch.randn(width, inner)] + [torch.randn(width)] * has_bias
    slope = torch.randn(n_rows, width)
    for tensor in inputs:
        tensor.requires_grad_()
    for function, kwargs in ((linear, {"dtype": dtype}), (torch_linear, {})):
        output = function(*inputs, **kwargs)
        yield output, *torch.autograd.grad(output, inputs, slope)


@pytest.mark.parametrize("has_bias", [True, False])
@pytest.mark.parametrize("n_rows", [0, 1, CHUNK_ROWS, 3 * CHUNK_ROWS + 7])
def test_linear_matches_torch(n_rows: int, has_bias: bool) -> None:
    actual, expected = outputs_and_gradients(n_rows, 33, 300, has_bias)
    torch.testing.assert_close(actual, expected, atol=1e-4, rtol=1e-5)


def test_typed_linear_multiplies_each_type_by_its_weights() -> None:
    torch.manual_seed(2)
    sizes = (3, 0, CHUNK_ROWS + 5)
    width = 7
    bias = torch.randn(len(sizes), width, requires_grad=True)
    terms = [
        (torch.randn(sum(sizes), inner, requires_grad=True), torch.randn(len(sizes), width, inner, requires_grad=True))
        for inner in (4, 6)
    ]  # fmt: skip
    expected = torch.cat([
        sum((torch_linear(rows.split(sizes)[i], weights[i]) for rows, weights in terms), bias[i])
        for i in range(len(sizes))
    ])  # fmt: skip
    output = typed_linear(sizes, bias, *terms)
    torch.testing.assert_close(output, expected, atol=1e-5, rtol=1e-5)
    slope = torch.randn(sum(sizes), width)
    leaves = [bias, *(tensor for term in terms for tensor in term)]
    gradients, expected_gradients = (torch.autograd.grad(out, leaves, slope) for out in (output, expected))
    torch.testing.assert_close(gradients, expected_gradients, atol=1e-3, rtol=1e-4)


def test_linear_gives_the_same_bytes_for_factors_cast_before() -> None:
    torch.manual_seed(3)
    rows = torch.randn(CHUNK_ROWS + 9, 24)
    weight = torch.randn(16, 24)
    dtype = torch.bfloat16
    assert torch.equal(linear(rows.to(dtype), weight, dtype=dtype), linear(rows, weight, dtype=dtype))


def test_linear_computes_only_the_gradients_that_are_needed() -> None:
    rows = torch.randn(5, 3)
    weight = torch.randn(2, 3, requires_grad=True)
    linear(rows, weight).sum().backward()
    assert rows.grad is None
    torch.testing.assert_close(weight.grad, rows.sum(dim=0).expand(2, 3))


def test_linear_in_bfloat16_is_close_to_float32() -> None:
    rounded, exact = outputs_and_gradients(2 * CHUNK_ROWS, 64, 300, True, torch.bfloat16)
    for actual, expected in zip(rounded, exact, strict=True):
        assert (actual - expected).abs().max() < 0.02 * expected.abs().max()
    assert not torch.equal(rounded[0], exact[0])

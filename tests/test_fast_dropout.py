"""Drop-out keeps its share, and what is left is where gradients go."""

from __future__ import annotations

import pytest
import torch
from torch.autograd import gradcheck

from reelgraph.core.fast_dropout import FastDropout, ReluDropout, SeededDropout
from reelgraph.core.torch_setup import CPU


@pytest.mark.parametrize("share", [0.0, 0.1, 0.9, 1 - 1e-9])
def test_fast_dropout_mask_keeps_the_expected_fraction(share: float) -> None:
    torch.manual_seed(5)
    dropping = FastDropout(share)
    mask = dropping.mask((101, 1001), CPU)
    assert set(mask.unique().tolist()) <= {0, 1}
    mean = mask.double().mean().item()
    assert mean == pytest.approx(1 - share, abs=0.005)
    assert mean == 1 if share == 0 else mean < 1
    assert mean * dropping.scale == pytest.approx(1, abs=0.05 if share < 0.99 else 2)


def test_fast_dropout_mask_depends_on_the_seed() -> None:
    torch.manual_seed(5)
    first, second = (FastDropout(0.5).mask((100,), CPU) for _ in range(2))
    torch.manual_seed(5)
    assert not torch.equal(first, second)
    assert torch.equal(first, FastDropout(0.5).mask((100,), CPU))


def test_relu_dropout_gradient_is_zero_where_dropped() -> None:
    torch.manual_seed(5)
    values = torch.randn(7, 5, dtype=torch.float64, requires_grad=True)
    mask = FastDropout(0.5).mask((7, 5), CPU).to(torch.float64)
    assert torch.equal(ReluDropout.apply(values, mask), values.relu() * mask)
    assert gradcheck(ReluDropout.apply, (values, mask))


def test_seeded_dropout_scales_what_it_keeps_and_depends_on_its_generator_alone() -> None:
    dropout = SeededDropout(0.5)
    values = torch.full((50, 40), 3.0)
    assert torch.equal(dropout.eval()(values), values)
    dropped = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        dropout.generator = torch.Generator().manual_seed(7)
        dropped.append(dropout.train()(values))
    assert torch.equal(*dropped)
    assert dropped[0].unique().tolist() == [0, 6]

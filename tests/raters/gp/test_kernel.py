from __future__ import annotations

import numpy as np
import pytest
import torch

from reelgraph.raters.gp.kernel import MAX_INDICATORS, count_shared


@pytest.mark.parametrize("n_entities", [1, 5, MAX_INDICATORS, MAX_INDICATORS + 1, 1000])
@pytest.mark.parametrize("width", [1, 3, 5])
@pytest.mark.parametrize("first", [1, 900])
def test_count_shared_counts_common_entities(n_entities: int, width: int, first: int) -> None:
    rng = np.random.default_rng(n_entities + width)
    sets = [
        [set(rng.integers(first, first + n_entities, rng.integers(0, width + 1)).tolist()) for _ in range(9)]
        for _ in range(2)
    ]
    block = torch.tensor([[[*sorted(s), *[0] * (width - len(s))] for s in window] for window in sets])
    expected = [[[len(a & b) for b in window] for a in window] for window in sets]
    assert count_shared(block).tolist() == expected


def test_count_shared_of_movies_without_entities_is_zero() -> None:
    assert not count_shared(torch.zeros(2, 3, 5, dtype=torch.int64)).any()
    assert count_shared(torch.zeros(1, 0, 5, dtype=torch.int64)).shape == (1, 0, 0)

"""Batches of windows: each window in one batch, in order, within the limit of elements."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from reelgraph.raters.gp.prediction import MIN_WINDOW_ELEMENTS, split_windows


@given(st.lists(st.integers(1, 2000), max_size=200), st.integers(1, 2**20))
def test_batches_cover_all_windows_in_order_within_the_limit(lengths: list[int], limit: int) -> None:
    length = np.sort(np.array(lengths, np.int64))
    batches = split_windows(length, limit)
    rows = [row for batch in batches for row in range(len(length))[batch]]
    assert rows == list(range(len(length)))
    for batch in batches:
        part = length[batch]
        if len(part) > 1:
            assert len(part) * max(part[-1] ** 2, MIN_WINDOW_ELEMENTS) <= limit


def test_windows_of_equal_length_are_split_into_full_batches() -> None:
    assert split_windows(np.full(130, 128), 2**20) == [slice(0, 64), slice(64, 128), slice(128, 130)]

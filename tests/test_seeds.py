from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from reelgraph.core.seeds import subsample


@given(st.sets(st.integers(0, 1000)).map(sorted), st.integers(0, 50), st.integers(0, 9))
def test_subsample_is_an_ordered_subset_of_at_most_max_count(values: list[int], most: int, seed: int) -> None:
    every = np.array(values, np.int64)
    sample = subsample(every, most, np.random.default_rng(seed))
    assert len(sample) == min(len(values), most)
    assert set(sample) <= set(values)
    assert (np.diff(sample) > 0).all()

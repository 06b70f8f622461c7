"""Random histories for property tests."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from reelgraph.histories.arrays import Histories
from reelgraph.histories.splits import leave_last_out


def random_histories(seed: int, users: int, movies: int, longest: int) -> Histories:
    """Users with 13 to ``longest`` ratings, random movies and stars."""
    draw = np.random.default_rng(seed)
    lengths = draw.integers(13, longest + 1, users)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    total = int(offsets[-1])
    return Histories(
        user_id=np.sort(draw.choice(10 * users, users, replace=False)).astype(np.int64),
        offsets=offsets,
        movie_row=draw.integers(0, movies, total).astype(np.int32),
        code=draw.integers(1, 11, total).astype(np.uint8),
        timestamp=np.sort(draw.integers(0, 2**31, total)),
        **leave_last_out(offsets, 10, 0, 1)._asdict(),
    )


histories = st.builds(
    random_histories,
    st.integers(0, 2**32),
    st.integers(1, 12),
    st.just(40),
    st.integers(13, 50),
)

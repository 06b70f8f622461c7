from __future__ import annotations

import numpy as np
import pytest

from reelgraph.rankers import rating_times
from reelgraph.rankers.rating_times import RatingTimes


@pytest.mark.parametrize("block_size", [4, 10, 1000])
def test_count_before_counts_earlier_ratings(block_size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rating_times, "BLOCK_SIZE", block_size)
    rng = np.random.default_rng(0)
    time = np.sort(rng.integers(100, 130, 40))
    times = RatingTimes(rng.integers(5, size=40).astype(np.int32), time, 6)
    for end in (-1e30, 99, 100, 104.5, 115, 129, 130, 1e30):
        expected = np.bincount(times.movie[time < end], minlength=6)
        assert times.count_before(end).tolist() == expected.tolist()
    assert times.count_all().tolist() == np.bincount(times.movie, minlength=6).tolist()


def test_count_before_without_ratings_is_zero() -> None:
    times = RatingTimes(np.zeros(0, np.int32), np.zeros(0, np.int64), 3)
    assert times.count_all().tolist() == [0, 0, 0]

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelgraph.errors import InputError
from reelgraph.histories.splits import leave_last_out

lengths = st.lists(st.integers(1, 60), min_size=1, max_size=30).filter(lambda n: max(n) >= 17)


def restated(n: int, first: int, most: int, last: int) -> tuple[list[int], list[int], list[int], int]:
    """The SPEC's rules for one user, position by position; there ``last`` is 1."""
    test = list(range(n - last, n)) if n >= first + last else []
    val = [n - last - 1] if n >= first + last + 1 else []
    train = list(range(first, n - last - 1)) if n >= first + last + 2 else []
    if most and len(train) > most:
        train = train[:: len(train) // most][:most]
    return train, val, test, (val or test or [n])[0]


@given(lengths, st.sampled_from([0, 1, 5, 7]), st.integers(1, 5))
def test_as_the_spec_says_for_each_user(n: list[int], most: int, last: int) -> None:
    offsets = np.concatenate([[0], np.cumsum(n)])
    split = leave_last_out(offsets, 10, most, last)
    train, val, test, ends = [], [], [], []
    for start, length in zip(offsets, n, strict=False):
        mine = restated(length, 10, most, last)
        for whole, part in zip((train, val, test), mine, strict=False):
            whole += [int(start) + position for position in part]
        ends.append(int(start) + mine[3])
    assert split.train.tolist() == train
    assert split.val.tolist() == val
    assert split.test.tolist() == test
    assert split.train_end.tolist() == ends


@given(lengths, st.integers(0, 10), st.integers(1, 5))
def test_every_position_is_one_kind_of_target_at_most(n: list[int], first: int, last: int) -> None:
    offsets = np.concatenate([[0], np.cumsum(n)])
    split = leave_last_out(offsets, first, 0, last)
    targets = np.concatenate([split.train, split.val, split.test])
    position = targets - offsets[np.searchsorted(offsets, targets, side="right") - 1]
    enough = np.array(n) >= first + last
    assert len(np.unique(targets)) == len(targets) == (np.array(n) - first)[enough].sum()
    assert position.min() >= first


def test_too_few_ratings_are_refused() -> None:
    with pytest.raises(InputError, match="a user with 13 ratings or more, got at most 12 a user"):
        leave_last_out(np.array([0, 12, 20]), 10, 5, 1)

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from reelgraph.sequences.batches import gather_batch
from reelgraph.sequences.dataset import UserHistories
from tests.helpers.history_strategies import any_histories, histories


@given(any_histories, st.integers(1, 60))
def test_gather_batch_returns_the_end_of_each_history(h: UserHistories, window: int) -> None:
    index = np.concatenate([h.train, h.val, h.test, h.offsets[:-1]])
    batch = gather_batch(h, index, window)
    for row, target in enumerate(index):
        start = h.offsets[h.users_of(index[row : row + 1])[0]]
        end = h.history_end(index[row : row + 1])[0]
        expected = np.arange(max(start, end - window), end)
        mask = batch.mask[row].numpy()
        assert mask.sum() == len(expected)
        assert mask[len(mask) - len(expected) :].all(), "padded at the front"
        assert batch.history[row].numpy()[mask].tolist() == h.movie_row[expected].tolist()
        np.testing.assert_allclose(
            batch.ratings[row].numpy()[mask], (h.half_star_code[expected] - 1) / 9, atol=1e-6
        )
        assert batch.target[row] == h.movie_row[target]
    assert not batch.history[~batch.mask].any()
    assert not batch.ratings[~batch.mask].any()


@given(histories)
def test_gather_batch_reads_nothing_after_the_target(h: UserHistories) -> None:
    index = h.val
    changed = h.half_star_code.copy()
    for target in index:
        end = h.offsets[h.users_of(np.array([target]))[0] + 1]
        changed[target:end] = 11 - changed[target:end]
    other = UserHistories(**{**h.__dict__, "half_star_code": changed})
    assert torch.equal(gather_batch(h, index, 30).ratings, gather_batch(other, index, 30).ratings)

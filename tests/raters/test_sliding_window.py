"""The sliding-window forward pass equals the attention rater's."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.functional import mse_loss, normalize

from reelgraph.core.torch_setup import CPU
from reelgraph.raters.fitting import fit_rater
from reelgraph.raters.networks.attention import AttentionRater
from reelgraph.raters.networks.sliding_window import SlidingWindowRater, pack_histories
from reelgraph.raters.networks.sliding_window_attention import WindowMask
from reelgraph.runtime.errors import ParamError
from reelgraph.sequences.batches import gather_batch
from reelgraph.sequences.dataset import UserHistories, normalized_ratings
from tests.helpers.history_strategies import histories, random_histories
from tests.helpers.rater_samples import MOVIES, small_movie_inputs, small_rater_params
from tests.raters.test_trainer import people, trained


def rater(dropout: float = 0.0) -> AttentionRater:
    torch.manual_seed(3)
    return AttentionRater(normalize(torch.randn(MOVIES, 8), dim=1), 16, dropout)


@pytest.mark.parametrize("window", [1, 5, 30, 70])
@pytest.mark.parametrize("step", [1, 7])
def test_sliding_window_rater_has_values_and_gradients_of_attention_rater(window: int, step: int) -> None:
    h2, network = random_histories(2, 20, MOVIES, 40), rater()
    index = np.concatenate([h2.train, h2.val, h2.test])
    index = np.sort(index)[::step]
    found = []
    for predicted in (
        SlidingWindowRater(network, window, torch.float32)(pack_histories(h2, index, window)),
        network(gather_batch(h2, index, window)),
    ):
        loss = mse_loss(predicted, torch.from_numpy(normalized_ratings(h2, index)))
        found.append((predicted.detach(), torch.autograd.grad(loss, list(network.parameters()))))
    torch.testing.assert_close(found[0][0], found[1][0], atol=1e-5, rtol=1e-5)
    for actual, expected in zip(found[0][1], found[1][1], strict=True):
        torch.testing.assert_close(actual, expected, atol=1e-6, rtol=1e-4)


def test_pack_histories_padding_does_not_change_predictions() -> None:
    h2, network = random_histories(2, 20, MOVIES, 40), rater()
    plain, filled = (pack_histories(h2, h2.train, 30, multiple) for multiple in (1, 64))
    for field in fields(filled):
        assert len(getattr(filled, field.name)) % 64 == 0 < len(getattr(plain, field.name)) % 64
    predicted = SlidingWindowRater(network, 30, torch.float32)
    torch.testing.assert_close(predicted(filled)[: len(h2.train)], predicted(plain))


@given(histories, st.integers(1, 40))
def test_window_mask_shows_the_last_ratings_of_the_user(h: UserHistories, window: int) -> None:
    index = np.sort(np.concatenate([h.train, h.val, h.test]))
    packed, mask = pack_histories(h, index, window), WindowMask(window, CPU, torch.float32)
    (mask_bias, is_visible), block = mask(packed.first), mask.block_size
    for target, position in zip(index, packed.target.tolist(), strict=True):
        row = mask_bias[position // block, position % block]
        places = torch.nonzero(row == 0).flatten() + position // block * block - block
        start = max(h.offsets[h.users_of(np.array([target]))[0]], target - window)
        assert packed.movie[places].tolist() == h.movie_row[start:target].tolist()
        assert (packed.code[places] + 1).tolist() == h.half_star_code[start:target].tolist()
        assert packed.movie[position] == h.movie_row[target]
        assert is_visible[position // block, position % block, 0] == (len(places) > 0)


def test_train_with_users_per_batch_learns_and_is_deterministic() -> None:
    h2 = people()
    first, second = (trained(h2, users_per_batch=1, epochs=8) for _ in range(2))
    assert first.best_epoch.val_rmse < 0.5
    weights = first.network.state_dict(), second.network.state_dict()
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_sliding_window_rater_uses_the_raters_dropout() -> None:
    h2 = random_histories(2, 20, MOVIES, 40)
    packed = pack_histories(h2, h2.train, 30)
    torch.manual_seed(1)
    predicted = [
        SlidingWindowRater(rater(0.5).train(mode), 30, torch.float32)(packed) for mode in (False, True)
    ]
    plain = SlidingWindowRater(rater().train(), 30, torch.float32)(packed)
    torch.testing.assert_close(predicted[0], plain)
    assert not torch.allclose(predicted[1], plain)


def test_sliding_window_rater_in_bfloat16_is_close_to_float32() -> None:
    h2, network = random_histories(2, 20, MOVIES, 40), rater()
    packed = pack_histories(h2, h2.train, 30)
    predicted, exact = (
        SlidingWindowRater(network, 30, dtype)(packed) for dtype in (torch.bfloat16, torch.float32)
    )
    assert predicted.dtype == torch.float32
    torch.testing.assert_close(predicted, exact, atol=0.005, rtol=0)


def test_fit_rater_rejects_users_per_batch_for_the_transformer() -> None:
    params = small_rater_params("transformer")
    params = params.model_copy(update={"train": params.train.model_copy(update={"users_per_batch": 4})})
    with pytest.raises(
        ParamError, match=r"train.users_per_batch: expected 0 with model.type transformer, got 4"
    ):
        fit_rater(params, random_histories(2, 20, MOVIES, 40), small_movie_inputs())

"""All targets in one pass say what one at a time says."""

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
def test_values_and_gradients_are_those_of_one_target_at_a_time(window: int, step: int) -> None:
    made, network = random_histories(2, 20, MOVIES, 40), rater()
    index = np.concatenate([made.train, made.val, made.test])
    index = np.sort(index)[::step]
    found = []
    for said in (
        SlidingWindowRater(network, window, torch.float32)(pack_histories(made, index, window)),
        network(gather_batch(made, index, window)),
    ):
        loss = mse_loss(said, torch.from_numpy(normalized_ratings(made, index)))
        found.append((said.detach(), torch.autograd.grad(loss, list(network.parameters()))))
    torch.testing.assert_close(found[0][0], found[1][0], atol=1e-5, rtol=1e-5)
    for mine, theirs in zip(found[0][1], found[1][1], strict=True):
        torch.testing.assert_close(mine, theirs, atol=1e-6, rtol=1e-4)


def test_a_stretch_that_is_filled_up_says_the_same() -> None:
    made, network = random_histories(2, 20, MOVIES, 40), rater()
    plain, filled = (pack_histories(made, made.train, 30, multiple) for multiple in (1, 64))
    for each in fields(filled):
        assert len(getattr(filled, each.name)) % 64 == 0 < len(getattr(plain, each.name)) % 64
    said = SlidingWindowRater(network, 30, torch.float32)
    torch.testing.assert_close(said(filled)[: len(made.train)], said(plain))


@given(histories, st.integers(1, 40))
def test_a_target_sees_the_last_ratings_of_its_user(h: UserHistories, window: int) -> None:
    index = np.sort(np.concatenate([h.train, h.val, h.test]))
    laid, band = pack_histories(h, index, window), WindowMask(window, CPU, torch.float32)
    (unseen, sees), block = band(laid.first), band.block_size
    for target, place in zip(index, laid.target.tolist(), strict=True):
        row = unseen[place // block, place % block]
        places = torch.nonzero(row == 0).flatten() + place // block * block - block
        start = max(h.offsets[h.users_of(np.array([target]))[0]], target - window)
        assert laid.movie[places].tolist() == h.movie_row[start:target].tolist()
        assert (laid.code[places] + 1).tolist() == h.half_star_code[start:target].tolist()
        assert laid.movie[place] == h.movie_row[target]
        assert sees[place // block, place % block, 0] == (len(places) > 0)


def test_by_users_it_learns_too_and_the_same_each_time() -> None:
    made = people()
    first, second = (trained(made, users_per_batch=1, epochs=8) for _ in range(2))
    assert first.best_epoch.val_rmse < 0.5
    weights = first.network.state_dict(), second.network.state_dict()
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_dropout_is_the_raters() -> None:
    made = random_histories(2, 20, MOVIES, 40)
    laid = pack_histories(made, made.train, 30)
    torch.manual_seed(1)
    said = [SlidingWindowRater(rater(0.5).train(mode), 30, torch.float32)(laid) for mode in (False, True)]
    plain = SlidingWindowRater(rater().train(), 30, torch.float32)(laid)
    torch.testing.assert_close(said[0], plain)
    assert not torch.allclose(said[1], plain)


def test_in_bfloat16_it_says_nearly_the_same() -> None:
    made, network = random_histories(2, 20, MOVIES, 40), rater()
    laid = pack_histories(made, made.train, 30)
    said, exact = (SlidingWindowRater(network, 30, dtype)(laid) for dtype in (torch.bfloat16, torch.float32))
    assert said.dtype == torch.float32
    torch.testing.assert_close(said, exact, atol=0.005, rtol=0)


def test_the_transformer_has_no_such_pass() -> None:
    given = small_rater_params("transformer")
    params = given.model_copy(update={"train": given.train.model_copy(update={"users_per_batch": 4})})
    with pytest.raises(
        ParamError, match=r"train.users_per_batch: expected 0 with model.type transformer, got 4"
    ):
        fit_rater(params, random_histories(2, 20, MOVIES, 40), small_movie_inputs(), lambda epoch: None)

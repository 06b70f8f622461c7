"""All targets in one pass say what one at a time says."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.functional import mse_loss, normalize

from reelgraph.errors import ParamError
from reelgraph.histories.arrays import Histories
from reelgraph.histories.batches import gather
from reelgraph.histories.ratings import scaled
from reelgraph.raters import banded
from reelgraph.raters.attention import AttentionRater
from reelgraph.raters.banded import band, predict_all, stretch
from reelgraph.raters.fitting import fit_rater
from tests.contracts.test_raters import MOVIES, movies, params_of
from tests.histories.strategies import histories, random_histories
from tests.raters.test_training import people, trained


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
        predict_all(network, stretch(made, index, window), window),
        network(gather(made, index, window)),
    ):
        loss = mse_loss(said, torch.from_numpy(scaled(made, index)))
        found.append((said.detach(), torch.autograd.grad(loss, list(network.parameters()))))
    torch.testing.assert_close(found[0][0], found[1][0], atol=1e-5, rtol=1e-5)
    for mine, theirs in zip(found[0][1], found[1][1], strict=True):
        torch.testing.assert_close(mine, theirs, atol=1e-6, rtol=1e-4)


def test_a_stretch_that_is_filled_up_says_the_same() -> None:
    made, network = random_histories(2, 20, MOVIES, 40), rater()
    plain, filled = (stretch(made, made.train, 30, multiple) for multiple in (1, 64))
    for each in fields(filled):
        assert len(getattr(filled, each.name)) % 64 == 0 < len(getattr(plain, each.name)) % 64
    said = predict_all(network, filled, 30)[: len(made.train)]
    torch.testing.assert_close(said, predict_all(network, plain, 30))


@given(histories, st.integers(1, 40))
def test_a_target_sees_the_last_ratings_of_its_user(h: Histories, window: int) -> None:
    index = np.sort(np.concatenate([h.train, h.val, h.test]))
    laid = stretch(h, index, window)
    block = max(32, window)
    seen = band(laid.first, window, block)
    for target, place in zip(index, laid.target.tolist(), strict=True):
        places = torch.nonzero(seen[place // block, place % block]).flatten() + place // block * block - block
        start = max(h.offsets[h.users_of(np.array([target]))[0]], target - window)
        assert laid.movies[laid.movie[places]].tolist() == h.movie_row[start:target].tolist()
        assert (laid.code[places] + 1).tolist() == h.code[start:target].tolist()
        assert laid.movies[laid.movie[place]] == h.movie_row[target]


def test_by_users_it_learns_too_and_the_same_each_time() -> None:
    made = people()
    first, second = (trained(made, users=1, epochs=8) for _ in range(2))
    assert first.best.val_rmse < 0.5
    weights = first.rater.state_dict(), second.rater.state_dict()
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_dropout_is_the_raters() -> None:
    made = random_histories(2, 20, MOVIES, 40)
    laid = stretch(made, made.train, 30)
    torch.manual_seed(1)
    said = [predict_all(rater(0.5).train(mode), laid, 30) for mode in (False, True)]
    plain = predict_all(rater().train(), laid, 30)
    torch.testing.assert_close(said[0], plain)
    assert not torch.allclose(said[1], plain)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.9, 1 - 1e-9])
def test_drop_out_keeps_a_share_and_the_mean(share: float) -> None:
    torch.manual_seed(5)
    values = torch.ones(101, 1001)
    said = banded._dropped(values, rater(share).train())
    kept = (said > 0).double().mean().item()
    assert kept == pytest.approx(1 - share, abs=0.005)
    assert kept == 1 if share == 0 else kept < 1
    assert said.mean().item() == pytest.approx(1, abs=0.05 if share < 0.99 else 2)
    assert torch.equal(banded._dropped(values, rater(share).eval()), values)


def test_the_transformer_has_no_such_pass() -> None:
    given = params_of("transformer")
    params = given.model_copy(update={"train": given.train.model_copy(update={"users": 4})})
    with pytest.raises(ParamError, match=r"train.users: expected 0 with model.type transformer, got 4"):
        fit_rater(params, random_histories(2, 20, MOVIES, 40), movies(), lambda epoch: None)

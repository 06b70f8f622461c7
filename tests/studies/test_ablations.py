from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from reelgraph.raters.networks.attention import AttentionRater
from reelgraph.raters.networks.network_rater import build_network
from reelgraph.sequences.batches import gather_batch
from reelgraph.sequences.dataset import UserHistories
from studies.ablation.ablations import RatingsHiddenNetwork, apply_control, shuffle_training_ratings
from tests.helpers.history_strategies import build_strategy, random_histories
from tests.helpers.rater_samples import small_movie_inputs, small_rater_params


@given(build_strategy("leave_last_out", "global_time", "predefined"), st.integers(0, 2**32))
def test_shuffling_moves_training_ratings_within_their_person(h: UserHistories, seed: int) -> None:
    found = shuffle_training_ratings(h, seed)
    pairs, others = (list(zip(each.movie_row, each.half_star_code, strict=True)) for each in (h, found))
    for start, stop, end in zip(h.offsets[:-1], h.offsets[1:], h.train_end, strict=True):
        assert sorted(pairs[start:end]) == sorted(others[start:end])
        assert pairs[end:stop] == others[end:stop]
    assert found.timestamp is h.timestamp


def test_shuffling_does_change_the_order_and_by_seed() -> None:
    h = random_histories(0, 20, 40, 50)
    assert (shuffle_training_ratings(h, 1).half_star_code != h.half_star_code).any()
    assert (
        shuffle_training_ratings(h, 1).half_star_code != shuffle_training_ratings(h, 2).half_star_code
    ).any()


def test_a_network_without_ratings_sees_movies_only() -> None:
    h, known = random_histories(0, 20, 40, 50), small_movie_inputs()
    torch.manual_seed(0)
    network = build_network(AttentionRater, small_rater_params("attention").config(), known.vectors).eval()
    turned = UserHistories(**{**h.__dict__, "half_star_code": (11 - h.half_star_code).astype(np.uint8)})
    moved = UserHistories(**{**h.__dict__, "movie_row": h.movie_row[::-1].copy()})
    plain, other, third = (gather_batch(each, h.val, 30) for each in (h, turned, moved))
    hidden = RatingsHiddenNetwork(network)
    assert (network(plain) != network(other)).all()
    assert (hidden(plain) == hidden(other)).all()
    assert (hidden(plain) != hidden(third)).any()


def test_what_is_hidden_of_the_movies() -> None:
    h, known = random_histories(0, 5, 40, 20), small_movie_inputs()
    _, blind = apply_control("text_hidden", h, known, 1)
    assert not blind.text.any()
    assert blind.graph is known.graph
    _, bare = apply_control("graph_hidden", h, known, 1)
    assert bare.graph.relations == {}
    assert bare.text is known.text
    assert apply_control(None, h, known, 1) == (h, known)

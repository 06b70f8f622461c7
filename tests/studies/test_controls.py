from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from reelgraph.raters.networks.network_rater import build
from reelgraph.sequences.arrays import Histories
from reelgraph.sequences.batches import gather
from reelgraph.studies.controls import RatingsHidden, controlled, shuffled
from tests.contracts.test_raters import movies, params_of
from tests.sequences.strategies import built, random_histories


@given(built("leave_last_out", "global_time", "given"), st.integers(0, 2**32))
def test_shuffling_moves_training_ratings_within_their_person(h: Histories, seed: int) -> None:
    found = shuffled(h, seed)
    pairs, others = (list(zip(each.movie_row, each.code, strict=True)) for each in (h, found))
    for start, stop, end in zip(h.offsets[:-1], h.offsets[1:], h.train_end, strict=True):
        assert sorted(pairs[start:end]) == sorted(others[start:end])
        assert pairs[end:stop] == others[end:stop]
    assert found.timestamp is h.timestamp


def test_shuffling_does_change_the_order_and_by_seed() -> None:
    h = random_histories(0, 20, 40, 50)
    assert (shuffled(h, 1).code != h.code).any()
    assert (shuffled(h, 1).code != shuffled(h, 2).code).any()


def test_a_network_without_ratings_sees_movies_only() -> None:
    h, known = random_histories(0, 20, 40, 50), movies()
    torch.manual_seed(0)
    network = build(params_of("attention").model, known.vectors).eval()
    turned = Histories(**{**h.__dict__, "code": (11 - h.code).astype(np.uint8)})
    moved = Histories(**{**h.__dict__, "movie_row": h.movie_row[::-1].copy()})
    plain, other, third = (gather(each, h.val, 30) for each in (h, turned, moved))
    hidden = RatingsHidden(network)
    assert (network(plain) != network(other)).all()
    assert (hidden(plain) == hidden(other)).all()
    assert (hidden(plain) != hidden(third)).any()


def test_what_is_hidden_of_the_movies() -> None:
    h, known = random_histories(0, 5, 40, 20), movies()
    _, blind = controlled("text_hidden", h, known, 1)
    assert not blind.text.any()
    assert blind.graph is known.graph
    _, bare = controlled("graph_hidden", h, known, 1)
    assert bare.graph.relations == {}
    assert bare.text is known.text
    assert controlled(None, h, known, 1) == (h, known)

"""The attention rater against a plain implementation for one history."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.functional import normalize

from reelgraph.raters.networks.attention import AttentionRater
from reelgraph.sequences.batches import Batch, gather_batch
from reelgraph.sequences.dataset import UserHistories
from tests.helpers.history_strategies import histories
from tests.helpers.rater_samples import MOVIES


def plain_prediction(
    rater: AttentionRater, history: list[int], ratings: list[float], target: int
) -> torch.Tensor:
    movies, hidden = rater.movies, rater.query.out_features
    query = rater.query(movies[target])
    code = rater.rating_embedding.layers(torch.tensor(ratings).reshape(-1, 1))
    key = rater.key(movies[history])
    value = rater.value(torch.cat([movies[history], code], dim=1))
    weights = torch.softmax(key @ query / hidden**0.5, dim=0)
    context, taste = weights @ value, weights @ code
    return 0.7 * rater.head(torch.cat([context, query])) + 0.3 * rater.bias(taste)


def test_attention_rater_equals_a_plain_implementation() -> None:
    torch.manual_seed(1)
    rater = AttentionRater(normalize(torch.randn(20, 8), dim=1), 16, 0.1).eval()
    batch = Batch(
        history=torch.tensor([[0, 0, 3, 7], [1, 2, 3, 4]]),
        ratings=torch.tensor([[0.0, 0.0, 0.25, 1.0], [0.1, 0.9, 0.5, 0.3]]),
        mask=torch.tensor([[False, False, True, True], [True] * 4]),
        target=torch.tensor([11, 12]),
    )
    predicted = rater(batch)
    torch.testing.assert_close(predicted[0], plain_prediction(rater, [3, 7], [0.25, 1.0], 11).squeeze())
    torch.testing.assert_close(
        predicted[1], plain_prediction(rater, [1, 2, 3, 4], [0.1, 0.9, 0.5, 0.3], 12).squeeze()
    )


@given(histories, st.integers(1, 40))
def test_with_cached_projections_predicts_the_same(h: UserHistories, window: int) -> None:
    torch.manual_seed(2)
    rater = AttentionRater(normalize(torch.randn(MOVIES, 8), dim=1), 16, 0.5).eval()
    batch = gather_batch(h, np.arange(len(h.half_star_code)), window)
    with torch.inference_mode():
        torch.testing.assert_close(rater.with_cached_projections()(batch), rater(batch), atol=1e-6, rtol=0)

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from reelgraph.evaluation import recommended_lists as module
from reelgraph.evaluation.ranking import rank_movies, rater_orders
from reelgraph.evaluation.recommended_lists import recommended_lists
from reelgraph.raters.rater import CandidateScores
from reelgraph.sequences.dataset import UserHistories
from reelgraph.sequences.isolated_targets import isolate_targets
from tests.evaluation.test_ranking import COUNT, MOVIES, histories_with_four_targets, selected
from tests.helpers.rater_samples import RaterOfSomeDay


class RandomRater(RaterOfSomeDay):
    """Predicts random half stars for each target, and counts the predictions."""

    n_predicted = 0

    def probabilities(self, histories: UserHistories, target: int) -> np.ndarray:
        return np.random.default_rng(target).dirichlet(np.full(10, 0.3), MOVIES)

    def score(self, *args: Any, **options: Any) -> Iterator[CandidateScores]:
        for scores in super().score(*args, **options):
            self.n_predicted += len(scores.prediction.stars)
            yield scores


@pytest.mark.parametrize("n_preselected", [1, 22, 40, MOVIES])
def test_recommended_lists_are_those_of_predictions_of_all_movies(
    monkeypatch: pytest.MonkeyPatch, n_preselected: int
) -> None:
    monkeypatch.setattr(module, "N_PRESELECTED", n_preselected)
    monkeypatch.setattr(module, "USERS_PER_THREAD", 7)
    histories = histories_with_four_targets()
    queries = selected(histories)
    targets = isolate_targets(histories, histories.fit_end("train"), queries.target_index)
    served = list(np.random.default_rng(0).normal(0, 3, size=(len(queries.queries), MOVIES)))
    orders = rater_orders(RandomRater(), targets, served, COUNT)
    rater = RandomRater()
    lists, stars = recommended_lists(rater, targets, queries, served, COUNT)
    assert lists.tolist() == rank_movies(queries, orders["recommended"]).lists.tolist()
    for shown, predicted, expected in zip(lists, stars, orders["rater"], strict=True):
        np.testing.assert_array_equal(predicted[shown], expected[shown])
    if n_preselected == 40:
        assert rater.n_predicted < 0.9 * MOVIES * len(served)


def test_recommended_lists_of_few_candidates_end_early() -> None:
    histories = histories_with_four_targets()
    queries = selected(histories)
    queries.queries[0].history[:] = 0
    held_out = np.array([1, 4, 9])
    queries = type(queries)(
        queries.target_index, queries.queries, queries.watched, queries.stars, queries.liked, held_out
    )
    targets = isolate_targets(histories, histories.fit_end("train"), queries.target_index)
    lists, _ = recommended_lists(
        RandomRater(), targets, queries, [np.zeros(MOVIES)] * len(queries.queries), COUNT
    )
    assert sorted(lists[0, :3].tolist()) == [1, 4, 9]
    assert set(lists[0, 3:].tolist()) == {-1}

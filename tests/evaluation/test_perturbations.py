from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from reelgraph.evaluation import perturbations as module
from reelgraph.evaluation.perturbations import hide_ratings, perturbation_tests, shuffle_histories
from reelgraph.raters.rater import Prediction, Rater
from reelgraph.sequences.dataset import UserHistories, star_ratings
from reelgraph.sequences.isolated_targets import IsolatedTargets, isolate_targets
from tests.helpers.history_strategies import random_histories

MOVIES = 40


@pytest.fixture
def histories() -> UserHistories:
    return random_histories(1, 40, MOVIES, 40)


def isolate_test_targets(histories: UserHistories) -> IsolatedTargets:
    return isolate_targets(histories, histories.fit_end("train"), histories.test)


class Constant(Rater):
    """Says three stars whatever it is shown."""

    parameter_count = 0

    def predict(
        self, histories: UserHistories, fit_end: np.ndarray, index: np.ndarray, mask_content: bool = False
    ) -> Prediction:
        return Prediction(np.full(len(index), 3.0))


class Last(Constant):
    """Says what the person said last."""

    def predict(
        self, histories: UserHistories, fit_end: np.ndarray, index: np.ndarray, mask_content: bool = False
    ) -> Prediction:
        return Prediction(histories.half_star_code[histories.history_end(index) - 1] / 2)


class ByMovie(Constant):
    """Knows each movie by its row, and nothing of the blank ones."""

    def predict(
        self, histories: UserHistories, fit_end: np.ndarray, index: np.ndarray, mask_content: bool = False
    ) -> Prediction:
        row = histories.movie_row[index].astype(np.float64)
        return Prediction(np.full(len(index), 3.0) if mask_content else 0.5 + row / 10)


def found(rater: Rater, histories: UserHistories) -> dict[str, dict[str, float]]:
    fit_end = histories.fit_end("train")
    predicted = rater.predict(histories, fit_end, histories.test).stars
    return perturbation_tests(rater, histories, fit_end, histories.test, predicted, seed=0)


def test_perturbation_tests_subsample_the_targets(
    histories: UserHistories, monkeypatch: pytest.MonkeyPatch
) -> None:
    queries = []

    class Noting(Constant):
        def predict(
            self, histories: UserHistories, fit_end: np.ndarray, index: np.ndarray, mask_content: bool = False
        ) -> Prediction:
            queries.append(histories.user_id[histories.users_of(index)])
            return super().predict(histories, fit_end, index)

    monkeypatch.setattr(module, "MAX_TARGETS", 10)
    found(Noting(), histories)
    whose = histories.user_id[histories.users_of(histories.test)]
    unperturbed, *perturbed = queries
    assert len(unperturbed) == len(whose) > 10
    assert len(set(perturbed[0])) == 10
    assert all((each == perturbed[0]).all() for each in perturbed)


def test_perturbation_tests_of_a_constant_rater(histories: UserHistories) -> None:
    for row in found(Constant(), histories).values():
        assert row["rmse_increase"] == row["rmse_increase_low"] == row["rmse_increase_high"] == 0
        assert row["rmse"] == pytest.approx(
            np.sqrt(((star_ratings(histories, histories.test) - 3) ** 2).mean())
        )


def test_perturbation_tests_find_what_a_rater_reads(histories: UserHistories) -> None:
    alike = np.array(histories.half_star_code)
    alike[histories.test - 1] = alike[histories.test]
    row = found(Last(), replace(histories, half_star_code=alike))
    assert row["history_shuffled"]["rmse_increase_low"] > 0
    assert row["ratings_hidden"]["rmse_increase_low"] > 0
    assert row["content_masked"]["rmse_increase"] == 0
    told = np.array(histories.movie_row)
    told[histories.test] = 10 * (histories.half_star_code[histories.test] / 2 - 0.5).clip(0, 3.9)
    row = found(ByMovie(), replace(histories, movie_row=told))
    assert row["content_masked"]["rmse_increase_low"] > 0
    assert row["history_shuffled"]["rmse_increase"] == row["ratings_hidden"]["rmse_increase"] == 0


def test_shuffle_histories_permutes_within_a_history(histories: UserHistories) -> None:
    targets = isolate_test_targets(histories)
    other = shuffle_histories(targets, np.random.default_rng(0))
    assert (other.timestamp == targets.timestamp).all()
    moved = 0
    for first, last in zip(targets.offsets[:-1], targets.test, strict=True):
        parts = [
            list(
                zip(c.movie_row[first:last], c.half_star_code[first:last], c.fitted[first:last], strict=True)
            )
            for c in (targets, other)
        ]
        assert sorted(parts[0]) == sorted(parts[1])
        moved += parts[0] != parts[1]
        assert other.movie_row[last] == targets.movie_row[last]
    assert moved > 30
    again = shuffle_histories(targets, np.random.default_rng(0))
    assert (again.movie_row == other.movie_row).all()


def test_hide_ratings_uses_other_users_means(histories: UserHistories) -> None:
    targets, taken = isolate_test_targets(histories), histories.mask_before(histories.fit_end("train"))
    hidden = hide_ratings(targets, histories, histories.fit_end("train"))
    assert (hidden.half_star_code[targets.test] == targets.half_star_code[targets.test]).all()
    total = np.bincount(histories.movie_row[taken], histories.half_star_code[taken], MOVIES)
    count = np.bincount(histories.movie_row[taken], minlength=MOVIES)
    for i in np.flatnonzero(targets.is_history)[::17]:
        movie, own = targets.movie_row[i], targets.fitted[i]
        rest = count[movie] - own
        mean = (
            (total[movie] - own * float(targets.half_star_code[i])) / rest
            if rest
            else histories.half_star_code[taken].mean()
        )
        assert hidden.half_star_code[i] == np.rint(mean)


def test_hide_ratings_of_movies_without_other_ratings() -> None:
    histories = random_histories(1, 8, 30_000, 40)
    end = histories.fit_end("train")
    hidden = hide_ratings(isolate_targets(histories, end, histories.test), histories, end)
    mean = np.rint(histories.half_star_code[histories.mask_before(end)].mean())
    assert (hidden.half_star_code[hidden.is_history] == mean).mean() > 0.98

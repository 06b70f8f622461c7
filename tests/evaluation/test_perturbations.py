from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from reelgraph.evaluation import perturbations as module
from reelgraph.evaluation.perturbations import perturbation_tests, shuffled, without_ratings
from reelgraph.raters.rater import Prediction, Rater
from reelgraph.sequences.dataset import UserHistories, star_ratings
from reelgraph.sequences.isolated_targets import IsolatedTargets, isolate_targets
from tests.helpers.history_strategies import random_histories

MOVIES = 40


@pytest.fixture
def people() -> UserHistories:
    return random_histories(1, 40, MOVIES, 40)


def cases_of(people: UserHistories) -> IsolatedTargets:
    return isolate_targets(people, people.fit_end("train"), people.test)


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


def found(rater: Rater, people: UserHistories) -> dict[str, dict[str, float]]:
    return perturbation_tests(rater, people, people.fit_end("train"), people.test, seed=0)


def test_of_many_targets_some_are_drawn(people: UserHistories, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    class Noting(Constant):
        def predict(
            self, histories: UserHistories, fit_end: np.ndarray, index: np.ndarray, mask_content: bool = False
        ) -> Prediction:
            asked.append(histories.user_id[histories.users_of(index)])
            return super().predict(histories, fit_end, index)

    monkeypatch.setattr(module, "MOST_TARGETS", 10)
    found(Noting(), people)
    whose = people.user_id[people.users_of(people.test)]
    assert len(asked[0]) == 10 < len(whose)
    assert len(set(asked[0])) == 10
    assert all((each == asked[0]).all() for each in asked)


def test_a_constant_model_costs_nothing(people: UserHistories) -> None:
    for row in found(Constant(), people).values():
        assert row["rmse_increase"] == row["rmse_increase_ci_low"] == row["rmse_increase_ci_high"] == 0
        assert row["rmse"] == pytest.approx(np.sqrt(((star_ratings(people, people.test) - 3) ** 2).mean()))


def test_each_control_costs_the_model_that_reads_what_it_hides(people: UserHistories) -> None:
    alike = np.array(people.half_star_code)
    alike[people.test - 1] = alike[people.test]
    row = found(Last(), replace(people, half_star_code=alike))
    assert row["history_shuffled"]["rmse_increase_ci_low"] > 0
    assert row["ratings_hidden"]["rmse_increase_ci_low"] > 0
    assert row["content_masked"]["rmse_increase"] == 0
    told = np.array(people.movie_row)
    told[people.test] = 10 * (people.half_star_code[people.test] / 2 - 0.5).clip(0, 3.9)
    row = found(ByMovie(), replace(people, movie_row=told))
    assert row["content_masked"]["rmse_increase_ci_low"] > 0
    assert row["history_shuffled"]["rmse_increase"] == row["ratings_hidden"]["rmse_increase"] == 0


def test_shuffling_moves_rated_movies_within_a_history_and_no_target(people: UserHistories) -> None:
    cases = cases_of(people)
    other = shuffled(cases, np.random.default_rng(0))
    assert (other.timestamp == cases.timestamp).all()
    moved = 0
    for first, last in zip(cases.offsets[:-1], cases.test, strict=True):
        parts = [
            list(
                zip(c.movie_row[first:last], c.half_star_code[first:last], c.fitted[first:last], strict=True)
            )
            for c in (cases, other)
        ]
        assert sorted(parts[0]) == sorted(parts[1])
        moved += parts[0] != parts[1]
        assert other.movie_row[last] == cases.movie_row[last]
    assert moved > 30
    again = shuffled(cases, np.random.default_rng(0))
    assert (again.movie_row == other.movie_row).all()


def test_hidden_ratings_are_what_others_gave(people: UserHistories) -> None:
    cases, taken = cases_of(people), people.mask_before(people.fit_end("train"))
    hidden = without_ratings(cases, people, people.fit_end("train"))
    assert (hidden.half_star_code[cases.test] == cases.half_star_code[cases.test]).all()
    total = np.bincount(people.movie_row[taken], people.half_star_code[taken], MOVIES)
    count = np.bincount(people.movie_row[taken], minlength=MOVIES)
    for i in np.flatnonzero(cases.is_history)[::17]:
        movie, own = cases.movie_row[i], cases.fitted[i]
        rest = count[movie] - own
        mean = (
            (total[movie] - own * float(cases.half_star_code[i])) / rest
            if rest
            else people.half_star_code[taken].mean()
        )
        assert hidden.half_star_code[i] == np.rint(mean)


def test_a_rating_that_nobody_shares_is_not_given_away() -> None:
    people = random_histories(1, 8, 30_000, 40)
    end = people.fit_end("train")
    hidden = without_ratings(isolate_targets(people, end, people.test), people, end)
    mean = np.rint(people.half_star_code[people.mask_before(end)].mean())
    assert (hidden.half_star_code[hidden.is_history] == mean).mean() > 0.98

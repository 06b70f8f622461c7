from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ruamel.yaml import YAML

from reelgraph.rankers import blend
from reelgraph.rankers.blend_features import NOT_NEGATIVE
from reelgraph.rankers.held_out import held_out_queries, hold_out
from reelgraph.rankers.listwise import Choices, fit_listwise
from reelgraph.rankers.ranker import collect_ratings
from tests.helpers.history_strategies import random_histories
from tests.helpers.ranker_samples import planted_inputs, query

PARAMS = blend.Params.model_validate(YAML(typ="safe").load(Path("params.yaml"))["rankers"]["blend"])


def test_score_gives_opposite_tastes_lists_that_overlap_little() -> None:
    inputs = planted_inputs(users=200, movies=60)
    ranker = blend.fit(inputs, PARAMS)
    lists = []
    for history in (query(4, 5, 6, 7), query(34, 35, 36, 37)):
        scores = ranker.score(history)
        scores[history.history] = -np.inf
        lists.append(set(np.argsort(-scores)[:10].tolist()))
    first, second = lists
    assert len(first & second) <= 2
    assert sum(movie < 30 for movie in first) >= 8
    assert sum(movie >= 30 for movie in second) >= 8
    assert 8 in first  # the movie that all neighbours watched next


def test_contributions_name_the_movie_that_leads_to_the_next() -> None:
    ranker = blend.fit(planted_inputs(users=200, movies=60), PARAMS)
    contributions = ranker.contributions(query(40, 20, 6), np.array([7]))
    assert int(np.argmax(contributions)) == 2
    assert contributions[0, 2] > 0
    assert (ranker.coefficients[list(NOT_NEGATIVE)] >= 0).all()


def test_contribution_is_what_the_score_loses_without_the_movies_weights() -> None:
    ranker = blend.fit(planted_inputs(users=200, movies=60), PARAMS)
    history = query(40, 20, 5, 6)
    movies = np.arange(60)
    scores = ranker.score(history)
    contributions = ranker.contributions(history, movies)
    for number, movie in enumerate(history.history):
        items = {}
        for name, item in ranker.features.items.items():
            weights = item.weights.copy()
            weights[item.movies == movie] = 0
            items[name] = replace(item, weights=weights)
        without = replace(ranker, features=replace(ranker.features, items=items)).score(history)
        np.testing.assert_allclose(contributions[:, number], scores - without, atol=1e-4)


def test_held_out_queries_ask_for_the_held_out_ratings() -> None:
    inputs = planted_inputs()
    held_out = held_out_queries(inputs, np.random.default_rng(0))
    assert len(held_out.queries) == 60
    assert len(held_out.ratings.user) == len(inputs.ratings.user) - 60
    for number, (asked, targets) in enumerate(zip(held_out.queries, held_out.targets, strict=True)):
        movies = inputs.ratings.movie_row[inputs.ratings.user == number]
        assert asked.history.tolist() == movies[:-1].tolist()
        assert targets.tolist() == movies[-1:].tolist()


def test_hold_out_resembles_the_split() -> None:
    rng = np.random.default_rng(0)
    histories = random_histories(0, 20, 30, 40)
    fit_end = histories.fit_end("train")
    ratings = collect_ratings(histories, fit_end, 30)
    held_out = hold_out(histories, ratings, fit_end, rng)
    assert (
        np.flatnonzero(held_out).tolist()
        == (np.cumsum(np.bincount(ratings.user)) - 1)[np.unique(ratings.user)].tolist()
    )
    times = np.argsort(np.argsort(histories.timestamp, kind="stable"))
    by_time = replace(histories, timestamp=np.where(histories.mask_before(fit_end), times, times + 10_000))
    ratings = collect_ratings(by_time, fit_end, 30)
    held_out = hold_out(by_time, ratings, fit_end, rng)
    assert ratings.timestamp[held_out].min() > ratings.timestamp[~held_out].max()
    assert held_out.sum() == (histories.val_end - histories.train_end).sum()
    at_random = random_histories(0, 20, 30, 40, "given")
    fit_end = at_random.fit_end("train")
    ratings = collect_ratings(at_random, fit_end, 30)
    held_out = hold_out(at_random, ratings, fit_end, rng)
    assert np.bincount(ratings.user, held_out)[np.unique(ratings.user)].tolist() == [1] * 19
    is_last = np.append(ratings.user[1:] != ratings.user[:-1], True)
    assert (held_out & is_last).sum() < 10


def test_held_out_queries_of_a_random_split_ask_for_ratings_within_the_history() -> None:
    inputs = planted_inputs()
    is_second = np.append(False, ratings_start(inputs.ratings.user)[:-1])
    held_out = held_out_queries(replace(inputs, held_out=is_second), np.random.default_rng(0))
    for number, (asked, targets) in enumerate(zip(held_out.queries, held_out.targets, strict=True)):
        rows = np.flatnonzero(inputs.ratings.user == number)
        assert asked.history.tolist() == np.delete(inputs.ratings.movie_row[rows], 1).tolist()
        assert targets.tolist() == [inputs.ratings.movie_row[rows[1]]]
        assert asked.time == inputs.ratings.timestamp[rows[1]]


def ratings_start(user: np.ndarray) -> np.ndarray:
    """Return a mask of the first rating of each user."""
    return np.append(True, user[1:] != user[:-1])


def test_fit_listwise_recovers_the_coefficients_of_simulated_choices() -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(3000, 12, 2)).astype(np.float32)
    truth = np.array([1.0, -0.5])
    chosen = np.argmax(features @ truth + rng.gumbel(size=(3000, 12)), axis=1)
    target = np.eye(12)[chosen]
    fitted = fit_listwise(Choices(features, np.zeros((3000, 12)), target))
    assert fitted == pytest.approx(truth, abs=0.06)


def test_fit_listwise_keeps_the_named_coefficients_from_being_negative() -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(500, 12, 2)).astype(np.float32)
    target = np.eye(12)[np.argmax(-features @ np.ones(2), axis=1)]
    fitted = fit_listwise(Choices(features, np.zeros((500, 12)), target), [1])
    assert fitted[0] < 0
    assert fitted[1] == 0


def test_fit_listwise_weighs_a_candidate_like_its_copies() -> None:
    features = np.random.default_rng(0).normal(size=(50, 6, 2)).astype(np.float32)
    target = np.eye(6)[np.zeros(50, np.int64)]
    doubled = [0, 1, 1, 2, 3, 4, 5]
    weight = np.array([-np.inf if movie == 5 else np.log(1 + (movie == 1)) for movie in range(6)])
    copies = np.where(np.array(doubled) == 5, -np.inf, 0.0)
    weighted = fit_listwise(Choices(features, np.tile(weight, (50, 1)), target))
    copied = fit_listwise(Choices(features[:, doubled], np.tile(copies, (50, 1)), target[:, doubled]))
    # The penalty depends on the features' deviations, which the copies change slightly.
    assert weighted == pytest.approx(copied, rel=0.02)

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given

from reelgraph.sequences.dataset import UserHistories
from studies.probe.linear_probe import (
    UserPrior,
    fit_probe,
    prediction_errors,
    probe_metrics,
    select_user_prior,
    target_indices,
)
from studies.probe.params import Probe
from studies.probe.probe_data import ProbeData, build_probe_data
from tests.helpers.history_strategies import build_strategy, random_histories

PARAMS = Probe(users=1000, context_length=32)
PERSON = UserPrior(0.2, 0.3, 4.0)


def planted(users: int = 150, movies: int = 80, dim: int = 6) -> tuple[UserHistories, np.ndarray]:
    """People who like movies whose vector points their way."""
    draw = np.random.default_rng(0)
    h = random_histories(0, users, movies, 60)
    vectors, tastes = draw.normal(size=(movies, dim)), draw.normal(size=(users, dim))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    liking = (vectors[h.movie_row] * tastes[h.users_of(np.arange(len(h.half_star_code)))]).sum(axis=1)
    code = np.rint(6 + 3 * liking + draw.normal(size=len(liking))).clip(1, 10).astype(np.uint8)
    return UserHistories(**{**h.__dict__, "half_star_code": code}), vectors.astype(np.float32)


def test_planted_tastes_are_found_and_random_vectors_tell_nothing() -> None:
    h, vectors = planted()
    task = build_probe_data(h, PARAMS, 1)
    person = select_user_prior(task)
    none = fit_probe(task, person, None)
    other = np.random.default_rng(5).normal(size=(80, 6)).astype(np.float32)
    known, unknown = (
        probe_metrics(task, fit_probe(task, person, each), none, 1) for each in (vectors, other)
    )
    assert known["val_rmse"] < probe_metrics(task, none, none, 1)["val_rmse"] - 0.1
    assert known["val_rmse_diff_ci_high"] < known["one_step_rmse_diff_ci_high"] / 3 < 0
    assert unknown["one_step_rmse_diff_ci_high"] > -0.02
    assert known["embedding_weight"] > unknown["embedding_weight"]


def test_an_error_is_that_of_the_conditional_mean() -> None:
    h, vectors = planted(users=6)
    task = build_probe_data(h, PARAMS, 1)
    unit = torch.from_numpy(vectors)
    found = prediction_errors(task, task.val, PERSON, unit, (0.3,))[0]
    for index, error in zip(target_indices(task.val), found, strict=True):
        user = h.users_of(np.array([index]))[0]
        rows = np.arange(max(h.offsets[user], index - 31), index + 1)
        at, v = np.arange(len(rows)), vectors[h.movie_row[rows]].astype(np.float64)
        cov = 0.2 + 0.3 * np.exp(-abs(at[:, None] - at) / 4) + 0.3 * v @ v.T + np.eye(len(rows))
        residual = task.residual.numpy()[rows].astype(np.float64)
        mean = cov[-1, :-1] @ np.linalg.solve(cov[:-1, :-1], residual[:-1])
        assert error == pytest.approx(residual[-1] - mean, abs=1e-4)


@given(build_strategy("leave_last_out", "global_time", "predefined"))
def test_every_training_row_and_validation_target_is_predicted_once(h: UserHistories) -> None:
    task = build_probe_data(h, PARAMS, 1)
    taken = np.flatnonzero(h.mask_before(h.fit_end("train")))
    np.testing.assert_array_equal(np.sort(target_indices(task.one_step)), taken)
    np.testing.assert_array_equal(np.sort(target_indices(task.val)), np.sort(h.val))


def test_a_training_row_is_left_out_of_its_movies_effect() -> None:
    h = random_histories(0, 12, 10, 40)
    changed = UserHistories(**{**h.__dict__, "half_star_code": h.half_star_code.copy()})
    row = int(h.train[0])
    changed.half_star_code[row] = 11 - h.half_star_code[row]
    before, after = (build_probe_data(each, PARAMS, 1).residual.numpy() for each in (h, changed))
    moved = (after[row] - before[row]) / ((changed.half_star_code[row] - float(h.half_star_code[row])) / 2)
    assert moved == pytest.approx(1, abs=0.03)  # through the global mean and the person's effect, a little


def test_test_targets_do_not_matter() -> None:
    h = random_histories(0, 12, 40, 40)
    changed = UserHistories(**{**h.__dict__, "half_star_code": h.half_star_code.copy()})
    changed.half_star_code[h.test] = 11 - h.half_star_code[h.test]
    vectors = np.random.default_rng(0).normal(size=(40, 5)).astype(np.float32)
    first, second = (fit_probe(build_probe_data(each, PARAMS, 1), PERSON, vectors) for each in (h, changed))
    np.testing.assert_array_equal(first.val, second.val)
    np.testing.assert_array_equal(first.one_step, second.one_step)


def test_a_sample_of_people_is_probed() -> None:
    h = random_histories(0, 30, 40, 40)
    task: ProbeData = build_probe_data(h, Probe(users=7, context_length=32), 1)
    assert len(target_indices(task.val)) == 7
    assert len(np.unique(h.users_of(target_indices(task.one_step)))) == 7

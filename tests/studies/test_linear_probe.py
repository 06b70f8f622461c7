"""The linear probe of movie vectors, and its data."""

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
PRIOR = UserPrior(0.2, 0.3, 4.0)


def planted_histories(users: int = 150, movies: int = 80, dim: int = 6) -> tuple[UserHistories, np.ndarray]:
    """Histories of users who prefer movies with vectors close to their own."""
    rng = np.random.default_rng(0)
    h = random_histories(0, users, movies, 60)
    vectors, preferences = rng.normal(size=(movies, dim)), rng.normal(size=(users, dim))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    affinity = (vectors[h.movie_row] * preferences[h.users_of(np.arange(len(h.half_star_code)))]).sum(axis=1)
    code = np.rint(6 + 3 * affinity + rng.normal(size=len(affinity))).clip(1, 10).astype(np.uint8)
    return UserHistories(**{**h.__dict__, "half_star_code": code}), vectors.astype(np.float32)


def test_probe_metrics_find_planted_preferences_and_none_in_random_vectors() -> None:
    h, vectors = planted_histories()
    data = build_probe_data(h, PARAMS, 1)
    prior = select_user_prior(data)
    baseline = fit_probe(data, prior, None)
    other = np.random.default_rng(5).normal(size=(80, 6)).astype(np.float32)
    planted, random = (
        probe_metrics(data, fit_probe(data, prior, vectors_), baseline, 1) for vectors_ in (vectors, other)
    )
    assert planted["val_rmse"] < probe_metrics(data, baseline, baseline, 1)["val_rmse"] - 0.1
    assert planted["val_rmse_diff_high"] < planted["one_step_rmse_diff_high"] / 3 < 0
    assert random["one_step_rmse_diff_high"] > -0.02
    assert planted["embedding_weight"] > random["embedding_weight"]


def test_prediction_errors_are_those_of_the_conditional_mean() -> None:
    h, vectors = planted_histories(users=6)
    data = build_probe_data(h, PARAMS, 1)
    unit = torch.from_numpy(vectors)
    errors = prediction_errors(data, data.val, PRIOR, unit, (0.3,))[0]
    for index, error in zip(target_indices(data.val), errors, strict=True):
        user = h.users_of(np.array([index]))[0]
        rows = np.arange(max(h.offsets[user], index - 31), index + 1)
        rank = np.arange(len(rows))
        v = vectors[h.movie_row[rows]].astype(np.float64)
        cov = 0.2 + 0.3 * np.exp(-abs(rank[:, None] - rank) / 4) + 0.3 * v @ v.T + np.eye(len(rows))
        residual = data.residual.numpy()[rows].astype(np.float64)
        mean = cov[-1, :-1] @ np.linalg.solve(cov[:-1, :-1], residual[:-1])
        assert error == pytest.approx(residual[-1] - mean, abs=1e-4)


@given(build_strategy("leave_last_out", "global_time", "given"))
def test_target_indices_are_all_training_rows_and_validation_targets(h: UserHistories) -> None:
    data = build_probe_data(h, PARAMS, 1)
    training_rows = np.flatnonzero(h.mask_before(h.fit_end("train")))
    np.testing.assert_array_equal(np.sort(target_indices(data.one_step)), training_rows)
    np.testing.assert_array_equal(np.sort(target_indices(data.val)), np.sort(h.val))


def test_build_probe_data_leaves_a_training_row_out_of_its_movie_effect() -> None:
    h = random_histories(0, 12, 10, 40)
    changed = UserHistories(**{**h.__dict__, "half_star_code": h.half_star_code.copy()})
    row = int(h.train[0])
    changed.half_star_code[row] = 11 - h.half_star_code[row]
    before, after = (build_probe_data(histories, PARAMS, 1).residual.numpy() for histories in (h, changed))
    change = (after[row] - before[row]) / ((changed.half_star_code[row] - float(h.half_star_code[row])) / 2)
    assert change == pytest.approx(1, abs=0.03)  # the global mean and the user's effect change a little, too


def test_fit_probe_does_not_depend_on_test_targets() -> None:
    h = random_histories(0, 12, 40, 40)
    changed = UserHistories(**{**h.__dict__, "half_star_code": h.half_star_code.copy()})
    changed.half_star_code[h.test] = 11 - h.half_star_code[h.test]
    vectors = np.random.default_rng(0).normal(size=(40, 5)).astype(np.float32)
    first, second = (
        fit_probe(build_probe_data(histories, PARAMS, 1), PRIOR, vectors) for histories in (h, changed)
    )
    np.testing.assert_array_equal(first.val, second.val)
    np.testing.assert_array_equal(first.one_step, second.one_step)


def test_build_probe_data_samples_users() -> None:
    h = random_histories(0, 30, 40, 40)
    data: ProbeData = build_probe_data(h, Probe(users=7, context_length=32), 1)
    assert len(target_indices(data.val)) == 7
    assert len(np.unique(h.users_of(target_indices(data.one_step)))) == 7

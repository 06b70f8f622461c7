"""The baselines against plain restatements and planted structure."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from reelgraph.baselines import biased_mf, item_knn
from reelgraph.baselines.biases import fit_biases
from reelgraph.baselines.registry import fit_and_predict, load_baseline
from reelgraph.core.metrics import rmse
from reelgraph.params.base import load
from reelgraph.params.evaluation import BaselineParams
from reelgraph.runtime.errors import ParamError
from reelgraph.sequences.dataset import UserHistories, star_ratings
from tests.helpers.history_strategies import histories, random_histories
from tests.helpers.planted_ratings import planted_histories

PARAMS = load(BaselineParams).baselines
KNN = item_knn.Params.model_validate(PARAMS["item_knn"])
MF = biased_mf.Params.model_validate(PARAMS["biased_mf"])


def rmse_on_test(name: str, h: UserHistories, **params: object) -> float:
    predict = load_baseline(name, PARAMS[name] | params)
    return rmse(star_ratings(h, h.test), predict(h, h.fit_end("train"), h.test))


def test_predict_recovers_planted_factors() -> None:
    h = planted_histories(0)
    assert rmse_on_test("bias", h) > 0.9
    assert rmse_on_test("item_knn", h, shrinkage=10.0) < 0.6
    assert rmse_on_test("biased_mf", h, l2=1.0) < 0.3


def test_fit_als_learns_implicit_factors_from_who_rated_what() -> None:
    h = planted_histories(1)
    group = np.repeat(np.arange(300) % 2, np.diff(h.offsets))
    rows = h.movie_row.copy()
    rows[:] = (rows % 30) + 30 * group  # each half of the users watches one half of the movies
    split = replace(h, movie_row=rows)
    noise = np.random.default_rng(0).normal(0, 1, len(rows))
    residual = biased_mf.training_matrix(split, split.fit_end("train"), noise)
    implicit = biased_mf.fit_als(residual, MF).implicit
    similarity = implicit @ implicit.T
    assert similarity[:30, :30].mean() > 10 * abs(similarity[:30, 30:].mean())


@given(histories)
def test_similarities_are_shrunk_cosines_over_common_users(h: UserHistories) -> None:
    matrix = item_knn.training_matrix(h, h.fit_end("train"), h.half_star_code - 5.3)
    movies = np.unique(h.movie_row)[:3]
    result = item_knn.similarities(item_knn.ResidualMatrices(matrix, matrix.tocsc()), movies, 2.0)
    dense = matrix.toarray()
    rated = matrix.astype(bool).toarray()
    for i, movie in enumerate(movies):
        for other in range(dense.shape[1]):
            both = rated[:, movie] & rated[:, other]
            a = dense[both, movie]
            b = dense[both, other]
            cosine = a @ b / np.sqrt((a @ a) * (b @ b)) if both.any() else 0
            assert result[i, other] == pytest.approx(cosine * both.sum() / (both.sum() + 2.0), abs=1e-9)


def test_item_knn_predict_equals_one_target_at_a_time() -> None:
    h = planted_histories(2, users=40)
    biases = fit_biases(h, h.fit_end("train"), KNN.movie_damping, KNN.user_damping)
    residual = h.half_star_code / 2 - biases.mean - biases.movie[h.movie_row]
    values = residual - biases.user[h.users_of(np.arange(len(residual)))]
    matrix = item_knn.training_matrix(h, h.fit_end("train"), values)
    target = h.test[7]
    history = slice(h.offsets[7], target)
    user_bias = residual[history].sum() / (target - h.offsets[7] + KNN.user_damping)
    similarity = item_knn.similarities(
        item_knn.ResidualMatrices(matrix, matrix.tocsc()), h.movie_row[[target]], KNN.shrinkage
    )[0, h.movie_row[history]]
    nearest = np.argsort(-similarity, kind="stable")[: KNN.neighbours]
    weight = similarity[nearest].clip(0)
    deviation = weight @ (residual[history][nearest] - user_bias) / (weight.sum() + KNN.damping)
    expected = np.clip(biases.mean + biases.movie[h.movie_row[target]] + user_bias + deviation, 0.5, 5)
    assert item_knn.predict(h, h.fit_end("train"), h.test[[7]], KNN)[0] == pytest.approx(expected, abs=1e-9)


def test_fit_and_predict_times_both_fits_and_predicts_validation_from_training_rows() -> None:
    h = planted_histories(3, users=20)
    timed = []

    @contextmanager
    def timer(rows: str):
        yield
        timed.append(rows)

    predict = load_baseline("bias", PARAMS["bias"])
    predictions = fit_and_predict(predict, h, timer)
    assert timed == ["train", "train_val"]
    np.testing.assert_array_equal(predictions["val"], predict(h, h.fit_end("train"), h.val))
    for rows in ("train", "train_val"):
        np.testing.assert_array_equal(predictions[rows], predict(h, h.fit_end(rows), h.test))


def test_biased_mf_predicts_the_same_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    h = random_histories(1, 6, 40, 20)
    predict = load_baseline("biased_mf", PARAMS["biased_mf"])
    expected = predict(h, h.fit_end("train"), h.test)
    monkeypatch.setattr(biased_mf, "MAX_RATINGS", 30)
    np.testing.assert_array_equal(predict(h, h.fit_end("train"), h.test), expected)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (
            {"recent": 0},
            "params.yaml: baselines.recent_mean.recent: expected greater than or equal to 1, got 0",
        ),
        ({}, "params.yaml: baselines.recent_mean.recent: expected a value, got nothing"),
        ({"recent": 5, "k": 1}, "params.yaml: baselines.recent_mean.k: expected only keys"),
    ],
)
def test_load_baseline_names_the_key_of_a_violation(params: dict[str, object], message: str) -> None:
    with pytest.raises(ParamError) as error:
        load_baseline("recent_mean", params)
    assert message in str(error.value)


@pytest.mark.parametrize("name", ["no_such_baseline", "biases", "surprise_adapter", "bias.mf"])
def test_load_baseline_refuses_a_name_without_a_baseline(name: str) -> None:
    with pytest.raises(ParamError, match=rf"params\.yaml: baselines\.{name}: expected a module"):
        load_baseline(name, {})

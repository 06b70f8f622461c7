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
from tests.helpers.history_strategies import histories
from tests.helpers.planted_ratings import planted_histories

PARAMS = load(BaselineParams).baselines
KNN = item_knn.Params.model_validate(PARAMS["item_knn"])
MF = biased_mf.Params.model_validate(PARAMS["biased_mf"])


def error(name: str, h: UserHistories, **numbers: object) -> float:
    predict = load_baseline("reelgraph.baselines", name, PARAMS[name] | numbers)
    return rmse(star_ratings(h, h.test), predict(h, h.fit_end("train"), h.test))


def test_planted_tastes_are_found() -> None:
    h = planted_histories(0)
    assert error("bias", h) > 0.9
    assert error("item_knn", h, shrinkage=10.0) < 0.6
    assert error("biased_mf", h, l2=1.0) < 0.3


def test_who_rated_what_tells_of_tastes_that_no_rating_told() -> None:
    h = planted_histories(1)
    taste = np.repeat(np.arange(300) % 2, np.diff(h.offsets))
    rows = h.movie_row.copy()
    rows[:] = (rows % 30) + 30 * taste  # one half of the people watches one half of the movies
    apart = replace(h, movie_row=rows)
    noise = np.random.default_rng(0).normal(0, 1, len(rows))
    left = biased_mf.training_matrix(apart, apart.fit_end("train"), noise)
    seen = biased_mf.fit_als(left, MF).implicit
    alike = seen @ seen.T
    assert alike[:30, :30].mean() > 10 * abs(alike[:30, 30:].mean())


@given(histories)
def test_a_similarity_is_the_shrunk_cosine_of_common_raters(h: UserHistories) -> None:
    matrix = item_knn.training_matrix(h, h.fit_end("train"), h.half_star_code - 5.3)
    some = np.unique(h.movie_row)[:3]
    found = item_knn.similarities(item_knn.ResidualMatrices(matrix, matrix.tocsc()), some, 2.0)
    dense, rated = matrix.toarray(), matrix.astype(bool).toarray()
    for i, movie in enumerate(some):
        for other in range(dense.shape[1]):
            both = rated[:, movie] & rated[:, other]
            a, b = dense[both, movie], dense[both, other]
            cosine = a @ b / np.sqrt((a @ a) * (b @ b)) if both.any() else 0
            assert found[i, other] == pytest.approx(cosine * both.sum() / (both.sum() + 2.0), abs=1e-9)


def test_nearest_movies_one_target_at_a_time() -> None:
    h = planted_histories(2, users=40)
    fitted = fit_biases(h, h.fit_end("train"), KNN.movie_damping, KNN.user_damping)
    left = h.half_star_code / 2 - fitted.mean - fitted.movie[h.movie_row]
    less = left - fitted.user[h.users_of(np.arange(len(left)))]
    matrix = item_knn.training_matrix(h, h.fit_end("train"), less)
    target = h.test[7]
    history = slice(h.offsets[7], target)
    person = left[history].sum() / (target - h.offsets[7] + KNN.user_damping)
    alike = item_knn.similarities(
        item_knn.ResidualMatrices(matrix, matrix.tocsc()), h.movie_row[[target]], KNN.shrinkage
    )[0, h.movie_row[history]]
    nearest = np.argsort(-alike, kind="stable")[: KNN.neighbours]
    weight = alike[nearest].clip(0)
    effect = weight @ (left[history][nearest] - person) / (weight.sum() + KNN.damping)
    expected = np.clip(fitted.mean + fitted.movie[h.movie_row[target]] + person + effect, 0.5, 5)
    assert item_knn.predict(h, h.fit_end("train"), h.test[[7]], KNN)[0] == pytest.approx(expected, abs=1e-9)


def test_each_fit_is_timed_and_validation_is_that_of_training_rows() -> None:
    h, parts = planted_histories(3, users=20), []

    @contextmanager
    def timed(part: str):
        yield
        parts.append(part)

    predict = load_baseline("reelgraph.baselines", "bias", PARAMS["bias"])
    found = fit_and_predict(predict, h, timed)
    assert parts == ["train", "train_val"]
    np.testing.assert_array_equal(found["val"], predict(h, h.fit_end("train"), h.val))
    for rows in ("train", "train_val"):
        np.testing.assert_array_equal(found[rows], predict(h, h.fit_end(rows), h.test))


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        (
            {"recent": 0},
            "params.yaml: baselines.recent_mean.recent: expected greater than or equal to 1, got 0",
        ),
        ({}, "params.yaml: baselines.recent_mean.recent: expected a value, got nothing"),
        ({"recent": 5, "k": 1}, "params.yaml: baselines.recent_mean.k: expected only keys"),
    ],
)
def test_numbers_are_refused_by_key_path(numbers: dict[str, object], said: str) -> None:
    with pytest.raises(ParamError) as refused:
        load_baseline("reelgraph.baselines", "recent_mean", numbers)
    assert said in str(refused.value)

"""What every peer owes: what a baseline owes, where its package is installed."""

from __future__ import annotations

import numpy as np
import pytest

from reelgraph.baselines.registry import (
    PREDICT_PROBABILITIES,
    Predict,
    import_optional,
    load_baseline,
    predicts_probabilities,
)
from reelgraph.core.metrics import rmse
from reelgraph.core.rating_scale import mean_stars
from reelgraph.params import base
from reelgraph.runtime.errors import PackageError
from reelgraph.sequences.dataset import UserHistories, star_ratings
from studies.external_baselines.params import EXTERNAL_BASELINES_FILE, ExternalBaselineParams
from tests.helpers.history_strategies import SPLITS, assert_unknown_ratings_do_not_matter, random_histories
from tests.helpers.planted_ratings import planted_histories
from tests.helpers.rater_samples import small_movie_content

PEERS = base.load(ExternalBaselineParams, base.PARAMS_FILE, EXTERNAL_BASELINES_FILE).external_baselines
PACKAGE = {"svd": "surprise", "svdpp": "surprise", "als_implicit": "cmfrec"} | dict.fromkeys(
    ("bayesian_fm_ids", "bayesian_fm", "ordered_probit_fm", "fm_content"), "myfm"
)
CONTENT = {"fm_content", "user_bias", "user_entity_means", "content_bias", "content_knn", "content_ridge"}
QUICK = {"burn_in": 5, "draws": 20, "rank": 4, "text_components": 4}


@pytest.fixture(params=PEERS)
def name(request: pytest.FixtureRequest) -> str:
    package = PACKAGE.get(request.param, "numpy")
    try:
        import_optional(package)
    except PackageError:
        pytest.skip(f"{request.param} needs {package}, of the extra external-baselines")
    return request.param


def load(name: str, function: str = "predict", **numbers: object) -> Predict:
    quick = {key: value for key, value in (QUICK | numbers).items() if key in PEERS[name]}
    return load_baseline(name, PEERS[name] | quick, EXTERNAL_BASELINES_FILE, small_movie_content(), function)


def predicted(name: str, h: UserHistories, index: np.ndarray, **numbers: object) -> np.ndarray:
    return load(name, **numbers)(h, h.fit_end("train"), index)


@pytest.mark.parametrize("split", SPLITS)
def test_on_the_scale(name: str, split: str) -> None:
    h = random_histories(4, 12, 40, 50, split)
    values = predicted(name, h, np.concatenate([h.val, h.test]))
    assert values.dtype == np.float64
    assert np.isfinite(values).all()
    assert values.min() >= 0.5
    assert values.max() <= 5.0


@pytest.mark.parametrize("split", SPLITS)
def test_only_training_rows_and_the_history_matter(name: str, split: str) -> None:
    h = random_histories(5, 12, 40, 50, split)
    assert_unknown_ratings_do_not_matter(load(name), h, "train", int(h.test[0]), 1e-9)


def test_probabilities_sum_to_one_and_have_the_predicted_mean(name: str) -> None:
    if not predicts_probabilities(name):
        pytest.skip(f"{name} predicts stars only")
    h = random_histories(6, 12, 40, 50)
    probabilities = load(name, PREDICT_PROBABILITIES)(h, h.fit_end("train"), h.test)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert probabilities.min() >= 0
    np.testing.assert_allclose(mean_stars(probabilities), predicted(name, h, h.test), atol=1e-9)


def test_twice_the_same_bytes(name: str) -> None:
    h = random_histories(6, 12, 40, 50)
    assert predicted(name, h, h.test).tobytes() == predicted(name, h, h.test).tobytes()


def test_a_target_is_predicted_alike_alone_and_among_others(name: str) -> None:
    h = random_histories(7, 6, 40, 50)
    single = np.concatenate([predicted(name, h, h.test[i : i + 1]) for i in range(len(h.test))])
    np.testing.assert_allclose(predicted(name, h, h.test), single, atol=1e-9)


def test_planted_tastes_are_found(name: str) -> None:
    if name in CONTENT:
        pytest.skip(f"{name} has its own test: no content tells these tastes")
    h = planted_histories(0)
    predictions = predicted(
        name, h, h.test, draws=100, burn_in=50, l2=0.02 if "svd" in name else 1.0, epochs=60
    )
    mean = np.full(len(h.test), star_ratings(h, np.flatnonzero(h.mask_before(h.fit_end("train")))).mean())
    assert rmse(star_ratings(h, h.test), predictions) < 0.5 * rmse(star_ratings(h, h.test), mean)

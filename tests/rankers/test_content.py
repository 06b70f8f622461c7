from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.linear_model import Ridge

from reelgraph.rankers import blend, content
from reelgraph.rankers.blend_features import FEATURES
from reelgraph.rankers.candidates import QueryFeatures, collect_choices
from reelgraph.rankers.held_out import held_out_queries
from reelgraph.rankers.ranker import Ranker, RankerInputs, select_ratings
from reelgraph.rankers.registry import find_ranker
from reelgraph.runtime.errors import TrainingError
from tests.contracts.test_rankers import PEERS, RANKERS
from tests.helpers.ranker_samples import planted_inputs, query

UNRATED = [5, 25]
"""A movie of each taste."""


def inputs_without_ratings() -> RankerInputs:
    inputs = planted_inputs(users=300)
    mask = ~np.isin(inputs.ratings.movie_row, UNRATED)
    return replace(inputs, ratings=select_ratings(inputs.ratings, mask), held_out=inputs.held_out[mask])


@pytest.mark.parametrize("name", ["content", "blend", "marec", "ials_content"])
def test_score_ranks_movies_without_ratings_by_the_taste_of_like_movies(name: str) -> None:
    if name == "ials_content":
        pytest.importorskip("cmfrec")
    ranker: Ranker = find_ranker(name, (RANKERS | PEERS)[name]).fit(inputs_without_ratings())
    first = ranker.score(query(6, 7, 8))[UNRATED]
    second = ranker.score(query(26, 27, 28))[UNRATED]
    assert first[0] > first[1]
    assert second[0] < second[1]


def test_a_short_history_tells_little_of_the_taste() -> None:
    ranker = find_ranker("content", {}).fit(inputs_without_ratings())
    spread = [np.ptp(ranker.features.compute(query(*[6] * length))[:, 0]) for length in (0, 1, 10, 100)]
    assert spread == pytest.approx([0, spread[3] * 1.1 / 11, spread[3] * 0.55, spread[3]], rel=1e-3)


def test_contributions_of_content_are_of_the_same_taste() -> None:
    ranker = find_ranker("content", {}).fit(inputs_without_ratings())
    ((same_taste, other_taste),) = ranker.contributions(query(6, 26), np.array([5]))
    assert same_taste > other_taste


def test_predict_left_out_equals_refitting() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(8, 3)).astype(np.float32)
    regressors = content.Regressors(sp.csr_matrix(x[:, :1]), x[:, 1:])
    targets = rng.normal(size=(6, 2)).astype(np.float32)
    targets -= targets.mean(axis=0)
    fitted = np.array([0, 2, 3, 4, 6, 7])
    prediction = content.predict_left_out(regressors, fitted, targets, np.ones(6))
    ridge = Ridge(alpha=content.L2, fit_intercept=False)
    for i, row in enumerate(fitted):
        others = np.delete(np.arange(6), i)
        ridge.fit(x[fitted[others]], targets[others])
        np.testing.assert_allclose(prediction[row], ridge.predict(x[[row]])[0], atol=1e-5)
    ridge.fit(x[fitted], targets)
    np.testing.assert_allclose(prediction[[1, 5]], ridge.predict(x[[1, 5]]), atol=1e-5)


def test_fit_features_of_few_ratings_are_finite() -> None:
    inputs = planted_inputs()
    nobody = select_ratings(inputs.ratings, np.arange(len(inputs.ratings.user)) < 3)
    features = content.fit_features(nobody, inputs.content)
    assert not features.predicted.any()
    assert not features.compute(query(1, 2)).any()


def test_blend_orders_unrated_movies_by_the_score_of_content() -> None:
    ranker = blend.fit(inputs_without_ratings(), blend.Params(**RANKERS["blend"]))
    history = query(6, 7)
    unrated_score = ranker.features.compute(history)[:, FEATURES.index("unrated_score")]
    by_content = ranker.features.content
    np.testing.assert_allclose(unrated_score[UNRATED], by_content.score(history)[UNRATED])
    assert not np.delete(unrated_score, UNRATED).any()
    coefficient = ranker.coefficients[FEATURES.index("unrated_score")]
    difference = np.subtract(*ranker.score(history)[UNRATED])
    assert coefficient > 0
    assert difference == pytest.approx(
        coefficient * np.subtract(*by_content.score(history)[UNRATED]), rel=1e-4
    )
    assert not ranker.contributions(history, np.array(UNRATED)).any()


def test_collect_choices_leaves_out_movies_that_nobody_has_rated() -> None:
    rng = np.random.default_rng(0)
    held_out = held_out_queries(inputs_without_ratings(), rng)
    rows = np.arange(40, dtype=np.float32)[:, None]
    choices = collect_choices(lambda _: QueryFeatures(rows, rows.__getitem__), held_out, rng)
    candidates = choices.features[np.isfinite(choices.log_weight)].astype(int)
    assert np.unique(candidates).tolist() == np.delete(np.arange(40), UNRATED).tolist()


def test_collect_choices_needs_a_query() -> None:
    rng = np.random.default_rng(0)
    held_out = replace(held_out_queries(inputs_without_ratings(), rng), queries=[], targets=[])
    with pytest.raises(TrainingError, match="expected a user with a history and a fitted rating after it"):
        collect_choices(lambda _: QueryFeatures(np.ones((40, 1)), np.ones), held_out, rng)

"""The external baselines: features, blend, comparison, missing packages."""

from __future__ import annotations

import numpy as np
import pytest

from reelgraph.baselines.external.fm_features import SECONDS_PER_DAY, FeatureBuilder
from reelgraph.baselines.registry import import_optional
from reelgraph.evaluation.comparison import errors_of_models
from reelgraph.evaluation.io import ModelPredictions
from reelgraph.runtime.errors import PackageError
from reelgraph.sequences.dataset import UserHistories, star_ratings
from studies.external_baselines.blend import blend_predictions, fit_blend
from tests.helpers.history_strategies import random_histories


def two_users() -> UserHistories:
    """User 1 rates movies 0, 5, 7, 9, user 2 movies 5, 8; movies 7 and 9 are targets."""
    return UserHistories(
        user_id=np.array([1, 2]), offsets=np.array([0, 4, 6]), movie_row=np.array([0, 5, 7, 9, 5, 8], np.int32),
        half_star_code=np.array([2, 4, 6, 10, 3, 3], np.uint8), timestamp=np.array([0, 0, 1, 5, 1, 1]) * SECONDS_PER_DAY,
        train_end=np.array([2, 6]), val_end=np.array([3, 6]), history_cap=np.array([4, 6]),
        train=np.array([1]), val=np.array([2]), test=np.array([3]),
    )  # fmt: skip


def test_feature_builder_rows() -> None:
    h = two_users()
    root = 2**-0.5
    features = FeatureBuilder(h, h.fit_end("train"), history=True)
    assert features.group_sizes() == [2, 2, 3, 3, 2]  # days 0, 1; users; movies 0, 5, 8; movies; users
    fit = features.training_rows()
    assert fit.days.toarray().tolist() == [[1, 0], [1, 0], [0, 1], [0, 1]]
    np.testing.assert_allclose(fit.users.toarray(), [[1, 0, root, root, 0], [0, 1, 0, root, root]])
    assert (fit.user.tolist(), fit.movie.tolist()) == ([0, 0, 1, 1], [0, 1, 1, 2])
    np.testing.assert_allclose(fit.movies.toarray()[1], [0, 1, 0, root, root])
    test = features.target_rows(h.test)
    assert test.days.nnz == 0  # nothing is known of day 5, nor of movie 9
    assert test.movies[test.movie[0]].nnz == 0
    np.testing.assert_allclose(test.users.toarray(), [[1, 0, root, root, 0]])  # movie 7 was not fitted on


def test_feature_builder_without_history() -> None:
    h = two_users()
    features = FeatureBuilder(h, h.fit_end("train_val"), history=False)
    assert features.group_sizes() == [2, 2, 4]
    assert features.target_rows(h.test).users.toarray().tolist() == [[1, 0]]


def test_fit_blend_clips_the_weight_and_blend_predictions_applies_it() -> None:
    first = np.array([2.0, 3.0, 4.0])
    second = np.array([3.0, 3.0, 2.0])
    assert fit_blend(first + 0.25 * (second - first), first, second).weight == pytest.approx(0.25)
    assert fit_blend(first - (second - first), first, second).weight == 0
    assert fit_blend(first, first, first).weight == 0
    machine = ModelPredictions(first, {"train": first + 1})
    recent = ModelPredictions(second, {"train": second})
    blend, blended = blend_predictions(np.array([2.5, 3.0, 3.0]), machine, recent)
    assert blend.weight == pytest.approx(0.5)
    np.testing.assert_allclose(blended.test["train"], [3.0, 3.5, 3.5])


def test_errors_of_models_hold_no_comparison_with_a_rater() -> None:
    h = random_histories(0, 30, 40, 50)
    val = star_ratings(h, h.val)
    test = star_ratings(h, h.test)
    baseline = ModelPredictions(val + 1, {"train": test + 2, "train_val": test})
    row = errors_of_models(h, {"baseline": baseline}, "train", 0)["baseline"]
    assert row["val_rmse"] == pytest.approx(1)
    assert row["rmse"] == row["train_rmse"] == pytest.approx(2)
    assert not any("diff" in key for key in row)


def test_import_optional_names_a_missing_package_and_the_remedy() -> None:
    with pytest.raises(PackageError, match=r"no_such_package.*requirements-external-baselines\.lock"):
        import_optional("no_such_package")

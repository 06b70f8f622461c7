from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from reelgraph.baselines.external.blend import blend_predictions, fit_blend
from reelgraph.baselines.external.fm_features import DAY, FeatureBuilder
from reelgraph.baselines.registry import import_optional
from reelgraph.evaluation.comparison import compare_with_rater
from reelgraph.evaluation.io import BaselinePredictions, prediction_table, read_test_predictions
from reelgraph.runtime.atomic_io import write_parquet
from reelgraph.runtime.errors import ArtifactError, PackageError
from reelgraph.sequences.dataset import UserHistories, star_ratings
from tests.helpers.history_strategies import random_histories


def two_people() -> UserHistories:
    """Person 1 rates movies 0, 5, 7, 9, person 2 movies 5, 8; movies 7 and 9 are targets."""
    return UserHistories(
        user_id=np.array([1, 2]), offsets=np.array([0, 4, 6]), movie_row=np.array([0, 5, 7, 9, 5, 8], np.int32),
        half_star_code=np.array([2, 4, 6, 10, 3, 3], np.uint8), timestamp=np.array([0, 0, 1, 5, 1, 1]) * DAY,
        train_end=np.array([2, 6]), val_end=np.array([3, 6]), history_cap=np.array([4, 6]),
        train=np.array([1]), val=np.array([2]), test=np.array([3]),
    )  # fmt: skip


def test_rows_of_a_machine() -> None:
    h, half = two_people(), 2**-0.5
    features = FeatureBuilder(h, h.fit_end("train"), history=True)
    assert features.group_sizes() == [2, 2, 3, 3, 2]  # days 0, 1; users; movies 0, 5, 8; movies; users
    fit = features.training_rows()
    assert fit.days.toarray().tolist() == [[1, 0], [1, 0], [0, 1], [0, 1]]
    np.testing.assert_allclose(fit.users.toarray(), [[1, 0, half, half, 0], [0, 1, 0, half, half]])
    assert (fit.user.tolist(), fit.movie.tolist()) == ([0, 0, 1, 1], [0, 1, 1, 2])
    np.testing.assert_allclose(fit.movies.toarray()[1], [0, 1, 0, half, half])
    test = features.target_rows(h.test)
    assert test.days.nnz == 0  # nothing is known of day 5, nor of movie 9
    assert test.movies[test.movie[0]].nnz == 0
    np.testing.assert_allclose(test.users.toarray(), [[1, 0, half, half, 0]])  # movie 7 was not fitted on


def test_without_histories_a_machine_knows_who_what_and_when() -> None:
    h = two_people()
    features = FeatureBuilder(h, h.fit_end("train_val"), history=False)
    assert features.group_sizes() == [2, 2, 4]
    assert features.target_rows(h.test).users.toarray().tolist() == [[1, 0]]


def test_the_best_share_is_found_and_kept_within_bounds() -> None:
    first, second = np.array([2.0, 3.0, 4.0]), np.array([3.0, 3.0, 2.0])
    assert fit_blend(first + 0.25 * (second - first), first, second).weight == pytest.approx(0.25)
    assert fit_blend(first - (second - first), first, second).weight == 0
    assert fit_blend(first, first, first).weight == 0
    one, other = (
        BaselinePredictions(first, {"train": first + 1}),
        BaselinePredictions(second, {"train": second}),
    )
    blend, found = blend_predictions(np.array([2.5, 3.0, 3.0]), one, other)
    assert blend.weight == pytest.approx(0.5)
    np.testing.assert_allclose(found.test["train"], [3.0, 3.5, 3.5])


def test_the_raters_predictions_are_read_in_the_targets_order(tmp_path: Path) -> None:
    h, path = two_people(), str(tmp_path / "predictions.parquet")
    with pytest.raises(ArtifactError, match="no file"):
        read_test_predictions(path, h)
    write_parquet(prediction_table(h, np.array([4.5]), np.arange(10)), path)
    assert read_test_predictions(path, h).tolist() == [4.5]
    with pytest.raises(ArtifactError, match="predictions of 0 test targets"):
        read_test_predictions(path, replace(h, test=np.zeros(0, np.int64)))


def test_peers_stand_beside_the_rater_as_baselines_do() -> None:
    h = random_histories(0, 30, 40, 50)
    val, test = star_ratings(h, h.val), star_ratings(h, h.test)
    other = BaselinePredictions(val + 1, {"train": test + 2, "train_val": test})
    found = compare_with_rater(h, test, {"other": other}, "train", 0)["other"]
    assert found["val_rmse"] == pytest.approx(1)
    assert found["rmse"] == found["train"]["rmse"] == pytest.approx(2)
    assert found["rmse_diff_ci_high"] == pytest.approx(-2)


def test_a_missing_package_is_named_with_its_remedy() -> None:
    with pytest.raises(PackageError, match=r"no_such_package.*requirements-external-baselines\.lock"):
        import_optional("no_such_package")

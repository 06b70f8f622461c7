"""What every baseline owes: predictions on the scale, from training rows and the history alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reelgraph.baselines import item_mean
from reelgraph.baselines.bias_recent import Params
from reelgraph.baselines.biases import fit_biases
from reelgraph.baselines.registry import load_baseline
from reelgraph.params.base import load
from reelgraph.params.evaluation import BaselineParams
from reelgraph.sequences.dataset import FITS, UserHistories
from tests.helpers.history_strategies import (
    any_histories,
    assert_unknown_ratings_do_not_matter,
    histories,
    random_histories,
)

PARAMS = load(BaselineParams).baselines


def predicted(name: str, h: UserHistories, index: np.ndarray) -> np.ndarray:
    return load_baseline(name, PARAMS[name])(h, h.fit_end("train"), index)


@pytest.mark.parametrize("name", PARAMS)
class TestContract:
    @settings(max_examples=30)
    @given(h=any_histories)
    def test_on_the_scale(self, name: str, h: UserHistories) -> None:
        values = predicted(name, h, np.concatenate([h.val, h.test]))
        assert values.dtype == np.float64
        assert np.isfinite(values).all()
        assert values.min() >= 0.5
        assert values.max() <= 5.0

    @settings(max_examples=30)
    @given(h=any_histories, data=st.data())
    def test_only_training_rows_and_the_history_matter(
        self, name: str, h: UserHistories, data: st.DataObject
    ) -> None:
        rows = data.draw(st.sampled_from(FITS))
        targets = h.test if rows == "train_val" else np.concatenate([h.val, h.test])
        target = data.draw(st.sampled_from(targets.tolist()))
        assert_unknown_ratings_do_not_matter(load_baseline(name, PARAMS[name]), h, rows, target, 1e-9)

    def test_twice_the_same_bytes(self, name: str) -> None:
        h = random_histories(1, 12, 40, 50)
        assert predicted(name, h, h.test).tobytes() == predicted(name, h, h.test).tobytes()

    def test_a_target_is_predicted_alike_alone_and_among_others(self, name: str) -> None:
        h = random_histories(2, 12, 40, 50)
        single = np.concatenate([predicted(name, h, h.test[i : i + 1]) for i in range(len(h.test))])
        np.testing.assert_allclose(predicted(name, h, h.test), single, atol=1e-9)


@pytest.mark.parametrize("split", ["cold_movies", "new_movies"])
def test_a_planted_leak_of_held_out_ratings_is_found(split: str) -> None:
    def item_mean_of_all_ratings(h: UserHistories, fit_end: np.ndarray, index: np.ndarray) -> np.ndarray:
        return item_mean.predict(h, h.offsets[1:], index, item_mean.Params())

    def popularity_of_all_ratings(h: UserHistories, fit_end: np.ndarray, index: np.ndarray) -> np.ndarray:
        return np.bincount(h.movie_row, minlength=40)[h.movie_row[index]]

    h = random_histories(1, 12, 40, 50, split)
    for leak in (item_mean_of_all_ratings, popularity_of_all_ratings):
        with pytest.raises(AssertionError, match="Not equal to tolerance"):
            assert_unknown_ratings_do_not_matter(leak, h, "train", int(h.test[0]), 1e-9)


@given(histories, st.data())
def test_means_against_a_plain_restatement(h: UserHistories, data: st.DataObject) -> None:
    stars = h.half_star_code / 2
    rows = [stars[a:b] for a, b in zip(h.offsets, h.train_end, strict=False)]
    assert predicted("global_mean", h, h.test) == pytest.approx(np.concatenate(rows).mean())
    user = data.draw(st.integers(0, len(h.user_id) - 1))
    assert predicted("user_mean", h, h.test)[user] == pytest.approx(rows[user].mean())
    before = stars[h.offsets[user] : h.test[user]]
    assert predicted("recent_mean", h, h.test)[user] == pytest.approx(before[-5:].mean())


def test_unknown_user_gets_the_global_mean() -> None:
    h = UserHistories(
        user_id=np.array([1, 2]), offsets=np.array([0, 3, 4]), movie_row=np.arange(4, dtype=np.int32),
        half_star_code=np.array([2, 4, 6, 10], np.uint8), timestamp=np.arange(4), train_end=np.array([3, 3]),
        val_end=np.array([3, 3]), history_cap=np.array([3, 4]),
        train=np.array([2]), val=np.array([2]), test=np.array([3]),
    )  # fmt: skip
    assert predicted("user_mean", h, h.test).tolist() == [2.0]
    assert predicted("recent_mean", h, h.test).tolist() == [2.0]


@given(histories)
def test_a_movies_effect_is_the_damped_mean_of_what_people_leave(h: UserHistories) -> None:
    fitted = fit_biases(h, h.fit_end("train"), 1000.0, 1000.0)
    user = np.repeat(np.arange(len(h.user_id)), np.diff(h.offsets))
    rows = np.arange(len(h.half_star_code)) < h.fit_end("train")[user]
    residuals = (h.half_star_code / 2 - fitted.mean - fitted.user[user])[rows]
    for movie in np.unique(h.movie_row[rows])[:5]:
        of_movie = h.movie_row[rows] == movie
        expected = residuals[of_movie].sum() / (of_movie.sum() + 1000)
        assert fitted.movie[movie] == pytest.approx(expected, abs=1e-6)


@given(histories)
def test_recent_residuals_one_target_at_a_time(h: UserHistories) -> None:
    numbers = Params.model_validate(PARAMS["bias_recent"])
    fitted = fit_biases(h, h.fit_end("train"), numbers.movie_damping, numbers.user_damping)
    target = int(h.test[0])
    before = np.arange(h.offsets[h.users_of(h.test[:1])[0]], target)
    residual = h.half_star_code[before] / 2 - fitted.mean - fitted.movie[h.movie_row[before]]
    person = residual.sum() / (len(before) + numbers.user_damping)
    weight = numbers.decay ** np.arange(len(before))[::-1]
    recent = (weight * (residual - person)).sum() / (weight.sum() + numbers.damping)
    expected = fitted.mean + fitted.movie[h.movie_row[target]] + person + recent
    assert predicted("bias_recent", h, h.test[:1])[0] == pytest.approx(np.clip(expected, 0.5, 5), abs=1e-6)


def test_recent_is_what_came_before_in_time_where_a_test_rating_has_later_ones_in_its_history() -> None:
    h = UserHistories(
        user_id=np.array([1]), offsets=np.array([0, 7]), movie_row=np.arange(7, dtype=np.int32),
        half_star_code=np.array([2, 4, 8, 10, 6, 6, 6], np.uint8), timestamp=np.array([0, 10, 20, 30, 5, 15, 99]),
        train_end=np.array([3]), val_end=np.array([4]), history_cap=np.array([4]),
        train=np.array([2]), val=np.array([3]), test=np.array([4, 5, 6]),
    )  # fmt: skip
    assert h.time_rank(h.test).tolist() == [0.5, 1.5, 3.5]
    assert predicted("recent_mean", h, h.test).tolist() == [1.0, 1.5, 3.0]

"""Statistics of histories, and windows of ratings."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelgraph.raters.gp.rating_table import all_ratings, fitted_ratings, tile_windows, windows_ending_at
from reelgraph.sequences.dataset import UserHistories
from tests.helpers.history_strategies import any_histories, histories


def test_fitted_ratings_are_the_fitted_part_of_all_ratings(user_histories: UserHistories) -> None:
    fit_end = user_histories.fit_end("train")
    fitted = fitted_ratings(user_histories, fit_end)
    table = all_ratings(user_histories, fit_end)
    n_fitted = (user_histories.train_end - user_histories.offsets[:-1]).sum()
    assert table.is_fitted.sum() == len(fitted.movie) == n_fitted
    assert (table.stars[table.is_fitted] == fitted.stars).all()
    length = user_histories.val - user_histories.offsets[:-1]
    assert (table.history_length(user_histories.val) == length).all()


@given(histories, st.integers(2, 20), st.integers(1, 20))
def test_tile_windows_marks_every_rating_in_one_window(h: UserHistories, size: int, stride: int) -> None:
    windows, is_target = tile_windows(h.offsets, size, min(stride, size))
    assert np.sort(windows[is_target]).tolist() == list(range(len(h.half_star_code)))
    for window in windows:
        index = window[window >= 0]
        assert (np.diff(index) == 1).all()
        assert len(set(h.users_of(index))) == 1


def test_tile_windows_has_no_window_for_a_user_without_ratings() -> None:
    windows, is_target = tile_windows(np.array([0, 0, 3, 3]), 2, 2)
    assert windows.tolist() == [[2, -1], [0, 1]]
    assert is_target.tolist() == [[True, False], [True, True]]


@given(any_histories, st.integers(2, 20))
def test_windows_ending_at_contain_the_nearest_history_and_the_target(h: UserHistories, size: int) -> None:
    index = np.unique(np.concatenate([h.test, h.offsets[:-1]]))
    ratings = all_ratings(h, h.fit_end("train"))
    low, high = ratings.nearest_history(index, size - 1)
    windows, is_target = windows_ending_at(index, low, high)
    assert sorted(windows[is_target]) == index.tolist()
    for window, position in np.argwhere(is_target):
        target = np.searchsorted(index, windows[window, position])
        nearest = np.arange(low[target], high[target])
        assert windows[window, : position + 1].tolist() == [*nearest, index[target]]
        user = h.users_of(index[target : target + 1])[0]
        history = np.arange(h.offsets[user], h.history_end(index[target : target + 1])[0])
        assert np.isin(nearest, history).all()
        assert len(nearest) == min(len(history), size - 1)
        distance = np.abs(ratings.rank[history] - ratings.rank[index[target]])
        is_nearest = np.isin(history, nearest)
        farthest_inside = distance[is_nearest].max(initial=0)
        assert farthest_inside <= distance[~is_nearest].min(initial=np.inf) + 1


def test_windows_ending_at_are_shared_by_targets_with_contiguous_histories() -> None:
    windows, is_target = windows_ending_at(
        np.array([2, 4, 9, 7]), np.array([0, 0, 5, 5]), np.array([2, 4, 8, 7])
    )
    assert windows.tolist() == [[5, 6, 7, -1, -1], [5, 6, 7, 9, -1], [0, 1, 2, 3, 4]]
    assert np.argwhere(is_target).tolist() == [[0, 2], [1, 3], [2, 2], [2, 4]]


@given(any_histories)
def test_history_sum_and_recent_mean_and_seconds_since_previous_read_the_history(h: UserHistories) -> None:
    ratings = all_ratings(h, h.fit_end("train"))
    stars = h.half_star_code / 2
    time = h.timestamp
    index = np.concatenate([h.train[::5], h.val[::2], h.test[::2]])
    total = ratings.history_sum(stars, index)
    recent = ratings.recent_mean(stars, 3, index)
    length = ratings.history_length(index)
    seconds = ratings.seconds_since_previous(index)
    for row, target in enumerate(index):
        history = np.arange(h.offsets[ratings.user[target]], h.history_end(np.array([target]))[0])
        assert length[row] == len(history)
        assert total[row] == pytest.approx(stars[history].sum())
        if target < h.history_cap[ratings.user[target]]:
            preceding = history
            rank = float(len(history))
        else:
            preceding = history[time[history] < time[target]]
            tied = history[time[history] == time[target]]
            rank = len(preceding) + (len(tied) - 1) / 2
            preceding = np.append(preceding, tied[: len(tied) // 2])
        assert ratings.rank[target] == rank
        assert recent[row] == pytest.approx(stars[preceding[-3:]].mean() if len(preceding) else 0, abs=1e-9)
        assert seconds[row] == (time[target] - time[preceding[-1]] if len(preceding) else 0)

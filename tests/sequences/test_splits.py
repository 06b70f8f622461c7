from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from reelgraph.runtime.errors import ArtifactError, InputError
from reelgraph.sequences.dataset import UserHistories, read_histories, write_histories
from reelgraph.sequences.movie_splits import cold_movies, draw_movies, new_movies
from reelgraph.sequences.splits import Split, global_time, leave_last_out, predefined
from tests.helpers.history_strategies import any_histories, build_strategy, random_histories

lengths = st.lists(st.integers(1, 60), min_size=1, max_size=30).filter(lambda n: max(n) >= 17)
shares = st.floats(0.05, 0.4)


def restated(n: int, first: int, most: int, last: int) -> tuple[list[int], list[int], list[int], int]:
    """The rules of docs/reference.md for one user, position by position; there ``last`` is 1."""
    test = list(range(n - last, n)) if n >= first + last else []
    val = [n - last - 1] if n >= first + last + 1 else []
    train = spread(list(range(first, n - last - 1)) if n >= first + last + 2 else [], most)
    return train, val, test, (val or test or [n])[0]


def spread(train: list[int], most: int) -> list[int]:
    return train[:: len(train) // most][:most] if most and len(train) > most else train


@given(lengths, st.sampled_from([0, 1, 5, 7]), st.integers(1, 5))
def test_leave_last_out_follows_its_definition(n: list[int], most: int, last: int) -> None:
    offsets = np.concatenate([[0], np.cumsum(n)])
    split = leave_last_out(offsets, 10, most, last)
    train, val, test, ends = [], [], [], []
    for start, length in zip(offsets, n, strict=False):
        positions = restated(length, 10, most, last)
        for rows_of_part, part in zip((train, val, test), positions, strict=False):
            rows_of_part += [int(start) + position for position in part]
        ends.append(int(start) + positions[3])
    assert split.train.tolist() == train
    assert split.val.tolist() == val
    assert split.test.tolist() == test
    assert split.train_end.tolist() == ends


@given(lengths, st.integers(0, 10), st.integers(1, 5))
def test_leave_last_out_targets_do_not_overlap(n: list[int], first: int, last: int) -> None:
    offsets = np.concatenate([[0], np.cumsum(n)])
    split = leave_last_out(offsets, first, 0, last)
    targets = np.concatenate([split.train, split.val, split.test])
    position = targets - offsets[np.searchsorted(offsets, targets, side="right") - 1]
    enough = np.array(n) >= first + last
    assert len(np.unique(targets)) == len(targets) == (np.array(n) - first)[enough].sum()
    assert position.min() >= first


def test_leave_last_out_rejects_short_histories() -> None:
    with pytest.raises(InputError, match="a user with 13 ratings or more, got at most 12 a user"):
        leave_last_out(np.array([0, 12, 20]), 10, 5, 1)


def timed(n: list[int], data: st.DataObject) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Offsets, users and times of people with n ratings each; few times, so that many tie."""
    times = [sorted(data.draw(st.lists(st.integers(0, 30), min_size=k, max_size=k))) for k in n]
    return np.concatenate([[0], np.cumsum(n)]), np.repeat(np.arange(len(n)), n), np.concatenate(times)


def refusing_nothing(make: object, *arguments: object) -> Split:
    try:
        return make(*arguments)  # type: ignore[operator]
    except InputError:
        assume(False)
        raise


@given(st.lists(st.integers(1, 12), min_size=1, max_size=8), shares, shares, st.data())
def test_global_time_splits_all_users_at_two_cutoffs(
    n: list[int], val_fraction: float, test_fraction: float, data: st.DataObject
) -> None:
    offsets, user, time = timed(n, data)
    split = refusing_nothing(global_time, offsets, 2, 0, time, val_fraction, test_fraction)
    row, position = np.arange(len(time)), np.arange(len(time)) - offsets[user]
    rows = row < split.train_end[user], row < split.val_end[user]
    assert time[rows[0]].max() < time[~rows[0]].min()
    assert time[rows[1]].max() < time[~rows[1]].min()
    behind, between = (~rows[1]).sum(), (rows[1] & ~rows[0]).sum()
    assert behind >= max(1, round(test_fraction * len(time)))
    assert (time > time[~rows[1]].min()).sum() < max(1, round(test_fraction * len(time)))
    assert behind + between >= max(1, round(test_fraction * len(time))) + max(
        1, round(val_fraction * len(time))
    )
    enough = position >= 2
    assert split.train.tolist() == row[rows[0] & enough].tolist()
    assert split.val.tolist() == row[~rows[0] & rows[1] & enough].tolist()
    assert split.test.tolist() == row[~rows[1] & enough].tolist()


@given(st.lists(st.integers(1, 12), min_size=1, max_size=8), st.sampled_from([0, 2]), st.data())
def test_predefined_keeps_the_split(n: list[int], most: int, data: st.DataObject) -> None:
    offsets = np.concatenate([[0], np.cumsum(n)])
    test = np.concatenate([np.arange(k) >= data.draw(st.integers(0, k)) for k in n])
    split = refusing_nothing(predefined, offsets, 2, most, test)
    assert split.test.tolist() == np.flatnonzero(test).tolist()
    val, train = [], []
    for user, start in enumerate(offsets[:-1]):
        n_before_test = int((~test[start : offsets[user + 1]]).sum())
        validates = n_before_test >= 2
        assert split.history_cap[user] == split.val_end[user] == start + n_before_test
        assert split.train_end[user] == start + n_before_test - validates
        val += [start + n_before_test - 1] * validates
        train += spread([start + i for i in range(2, n_before_test - validates)], most)
    assert split.val.tolist() == val
    assert split.train.tolist() == train


@given(any_histories)
def test_mask_before_and_targets_agree_for_each_split(h: UserHistories) -> None:
    rows = np.arange(len(h.half_star_code))
    train, val = h.mask_before(h.fit_end("train")), h.mask_before(h.fit_end("train_val"))
    assert (train <= val).all()
    assert train[h.train].all()
    assert (val & ~train)[h.val].all()
    assert not val[h.test].any()
    targets = np.concatenate([h.train, h.val, h.test])
    assert len(np.unique(targets)) == len(targets)
    assert (np.diff(np.concatenate([h.train, [len(rows)]])) > 0).all()


@given(any_histories)
def test_history_end_excludes_the_target(h: UserHistories) -> None:
    rows = np.arange(len(h.half_star_code))
    user, end = h.users_of(rows), h.history_end(rows)
    assert (end <= rows).all()
    assert (h.offsets[user] <= end).all()
    assert (end <= h.history_cap[user]).all()


@given(build_strategy("leave_last_out", "global_time", "new_movies"))
def test_history_end_is_the_target_without_predefined_split(h: UserHistories) -> None:
    rows = np.arange(len(h.half_star_code))
    assert (h.history_end(rows) == rows).all()
    user = h.users_of(rows)
    assert (np.diff(h.timestamp)[np.diff(user) == 0] >= 0).all()


@given(build_strategy("global_time", "new_movies"))
def test_fit_end_of_global_time_excludes_the_future(h: UserHistories) -> None:
    for rows, targets in (("train", np.concatenate([h.val, h.test])), ("train_val", h.test)):
        assert h.timestamp[h.mask_before(h.fit_end(rows))].max() < h.timestamp[targets].min()


@given(build_strategy("given"))
def test_history_end_of_predefined_test_targets_is_the_training_part(h: UserHistories) -> None:
    user = h.users_of(h.test)
    assert (h.history_end(h.test) == h.fit_end("train_val")[user]).all()
    assert (h.history_end(h.val) == h.val).all()


@given(build_strategy("cold_movies", "new_movies"))
def test_fit_end_excludes_all_ratings_of_held_out_movies(h: UserHistories) -> None:
    for rows, excluded_movies in (("train", [h.val_movies, h.test_movies]), ("train_val", [h.test_movies])):
        fitted = set(h.movie_row[h.mask_before(h.fit_end(rows))].tolist())
        assert not fitted & set(np.concatenate(excluded_movies).tolist())
    for index, movies in ((h.val, h.val_movies), (h.test, h.test_movies)):
        assert set(h.movie_row[index].tolist()) == set(movies.tolist())
        assert (np.diff(index) > 0).all()
    assert set(np.flatnonzero(np.isin(h.movie_row, h.test_movies)).tolist()) == set(h.test.tolist())


@given(build_strategy("cold_movies"))
def test_cold_movies_histories_hold_the_training_rows_alone(h: UserHistories) -> None:
    index = np.concatenate([h.val, h.test])
    assert (h.history_end(index) == h.train_end[h.users_of(index)]).all()
    assert (h.history_end(h.train) == h.train).all()
    assert set(np.flatnonzero(np.isin(h.movie_row, h.val_movies)).tolist()) == set(h.val.tolist())
    position = h.train - h.offsets[h.users_of(h.train)]
    assert position.min() >= 5
    fitted = h.fitted_index(h.fit_end("train_val"))
    assert set(fitted.tolist()) == set(np.flatnonzero(h.mask_before(h.val_end)).tolist())
    same_user = np.diff(h.users_of(fitted)) == 0
    assert (np.diff(h.timestamp[fitted])[same_user] >= 0).all()


@given(build_strategy("new_movies"))
def test_new_movies_are_first_rated_after_a_cutoff(h: UserHistories) -> None:
    first = {movie: h.timestamp[h.movie_row == movie].min() for movie in np.unique(h.movie_row)}
    tested = [first[movie] for movie in h.test_movies]
    validated = [first[movie] for movie in h.val_movies]
    rated_before = [first[movie] for movie in set(first) - set(h.test_movies) - set(h.val_movies)]
    assert max(rated_before) < min(validated)
    assert max(validated) < min(tested)
    assert len(tested) >= max(1, round(0.2 * len(first)))
    before_tested = np.isin(h.movie_row, h.val_movies) & (h.timestamp < min(tested))
    assert set(np.flatnonzero(before_tested).tolist()) == set(h.val.tolist())


def test_draw_movies_draws_fractions_of_the_rated_movies() -> None:
    movie_row = np.repeat(np.arange(100, dtype=np.int32) * 2, 3)
    roles = draw_movies(movie_row, 0.1, 0.15, 7)
    assert (len(roles.val), len(roles.test)) == (10, 15)
    assert len(np.intersect1d(roles.val, roles.test)) == 0
    assert np.isin(np.concatenate(roles), movie_row).all()
    assert draw_movies(movie_row, 0.1, 0.15, 7).test.tolist() == roles.test.tolist()
    assert draw_movies(movie_row, 0.1, 0.15, 8).test.tolist() != roles.test.tolist()


@pytest.mark.parametrize("split", ["cold_movies", "new_movies"])
@pytest.mark.parametrize(
    ("rows", "movies"), [("train", "val_movies"), ("train", "test_movies"), ("train_val", "test_movies")]
)
def test_fit_end_raises_at_a_planted_leak(tmp_path: Path, split: str, rows: str, movies: str) -> None:
    h = random_histories(0, 12, 40, 50, split)
    h.movie_row[np.flatnonzero(h.mask_before(h.fit_end(rows)))[-1]] = getattr(h, movies)[0]
    with pytest.raises(ArtifactError, match="no fitted rating of a held-out movie, got 1, the first"):
        h.fit_end(rows)
    write_histories(h, tmp_path)
    with pytest.raises(ArtifactError, match="held-out movie"):
        read_histories(tmp_path)


def test_splits_without_targets_raise() -> None:
    offsets, time = np.array([0, 5, 10]), np.tile(np.arange(5), 2)
    with pytest.raises(InputError, match="got 0 training, 0 validation, 0 test"):
        global_time(offsets, 9, 0, time, 0.1, 0.1)
    with pytest.raises(InputError, match="got 0 training, 0 validation, 6 test"):
        global_time(offsets, 2, 0, np.zeros(10, np.int64), 0.1, 0.1)
    with pytest.raises(InputError, match="got 4 training, 2 validation, 0 test"):
        predefined(offsets, 2, 0, np.zeros(10, bool))
    with pytest.raises(InputError, match="got 0 training, 0 validation, 10 test"):
        predefined(offsets, 2, 0, np.ones(10, bool))
    movie = np.arange(10, dtype=np.int32)
    roles = draw_movies(movie, 0.1, 0.1, 0)
    with pytest.raises(InputError, match="got 0 training, 1 validation, 1 test"):
        cold_movies(offsets, 9, 0, np.sort(roles.parts(movie)), roles)
    with pytest.raises(InputError, match="got 0 training, 0 validation, 10 test"):
        new_movies(offsets, 2, 0, np.zeros(10, np.int64), movie, 0.1, 0.1)
    with pytest.raises(InputError, match="a movie in each of the three parts, got 2 movies"):
        draw_movies(movie[:2], 0.1, 0.1, 0)

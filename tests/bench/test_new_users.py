"""A fit without some people learns from none of their rows, and predicts them nonetheless."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bench.new_users import fit_and_predict, without_users
from tests.helpers.history_strategies import random_histories
from tests.helpers.rater_samples import small_movie_inputs, small_rater_params


def test_a_fit_without_people_has_none_of_their_rows_and_all_histories() -> None:
    people = random_histories(3, 30, 40, 60)
    unseen_users = np.array([2, 7, 29])
    seen_users = without_users(people, unseen_users)
    assert not seen_users.mask_before(seen_users.fit_end("train_val"))[np.concatenate([
        np.arange(people.offsets[user], people.offsets[user + 1]) for user in unseen_users
    ])].any()  # fmt: skip
    for index in (seen_users.train, seen_users.val):
        assert len(index)
        assert not np.isin(seen_users.users_of(index), unseen_users).any()
    assert np.array_equal(seen_users.test, people.test)
    assert np.array_equal(seen_users.history_end(seen_users.test), people.history_end(people.test))


def test_what_the_unseen_gave_bears_on_their_own_predictions_and_on_no_others() -> None:
    people, movie_inputs = random_histories(3, 30, 40, 60), small_movie_inputs()
    unseen_users = np.array([2])
    is_unseen = np.isin(people.users_of(people.test), unseen_users)
    changed = people.half_star_code.copy()
    first, last = people.offsets[2], people.offsets[3]
    changed[first:last] = 11 - changed[first:last]
    plain, other = (
        fit_and_predict(
            small_rater_params("gp"), without_users(variant, unseen_users), movie_inputs, people.test
        )
        for variant in (people, replace(people, half_star_code=changed))
    )
    assert np.array_equal(plain[~is_unseen], other[~is_unseen])
    assert not np.array_equal(plain[is_unseen], other[is_unseen])

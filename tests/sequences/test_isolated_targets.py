from __future__ import annotations

import numpy as np
from hypothesis import given

from reelgraph.sequences.dataset import UserHistories
from reelgraph.sequences.isolated_targets import isolate_targets
from tests.helpers.history_strategies import any_histories, build_strategy


@given(any_histories)
def test_isolate_targets_keeps_each_history(h: UserHistories) -> None:
    index = np.concatenate([h.test, h.val, h.offsets[:-1]])
    cases = isolate_targets(h, h.fit_end("train"), index)
    is_earlier = h.mask_before(h.fit_end("train"))
    assert (cases.history_end(cases.test) == cases.test).all()
    assert (cases.time_rank(cases.test) == h.time_rank(index)).all()
    assert (cases.mask_before(cases.train_end) == cases.fitted).all()
    for i, target in enumerate(index):
        user = h.users_of(index)[i]
        rows = np.append(np.arange(h.offsets[user], h.history_end(index)[i]), target)
        case_rows = slice(cases.offsets[i], cases.offsets[i + 1])
        for name in ("movie_row", "half_star_code", "timestamp"):
            assert (getattr(cases, name)[case_rows] == getattr(h, name)[rows]).all()
        assert (cases.fitted[case_rows] == is_earlier[rows]).all()
        assert cases.test[i] == cases.offsets[i + 1] - 1
        assert cases.train_end[i] - cases.offsets[i] == is_earlier[rows].sum()


@given(build_strategy("cold_movies"))
def test_isolate_targets_keeps_fitted_ratings_outside_of_the_history(h: UserHistories) -> None:
    end = h.fit_end("train_val")
    cases = isolate_targets(h, end, h.test)
    user = h.users_of(h.test)
    assert (np.diff(cases.offsets) == end[user] - h.offsets[user] + 1).all()
    assert (cases.history_end(cases.test) - cases.offsets[:-1] == h.train_end[user] - h.offsets[user]).all()
    assert (cases.time_rank(cases.test) == h.time_rank(h.test)).all()
    assert (cases.fitted == ~np.isin(np.arange(len(cases.fitted)), cases.test)).all()
    assert cases.is_history.sum() == (h.train_end - h.offsets[:-1])[user].sum()
    assert not np.isin(cases.movie_row[cases.is_history], h.val_movies).any()

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given

from reelgraph.histories.arrays import Histories
from reelgraph.histories.cases import apart
from tests.histories.strategies import histories


@given(histories)
def test_each_target_has_its_history_before_it(h: Histories) -> None:
    index = np.concatenate([h.test, h.val, h.offsets[:-1]])
    cases = apart(h, h.fit_end("train"), index)
    known = h.before(h.fit_end("train"))
    assert (cases.history_end(cases.test) == cases.test).all()
    for i, target in enumerate(index):
        user = h.users_of(index)[i]
        rows = np.append(np.arange(h.offsets[user], target), target)
        mine = slice(cases.offsets[i], cases.offsets[i + 1])
        for name in ("movie_row", "code", "timestamp"):
            assert (getattr(cases, name)[mine] == getattr(h, name)[rows]).all()
        assert (cases.fitted[mine] == known[rows]).all()
        assert cases.test[i] == cases.offsets[i + 1] - 1
        assert cases.train_end[i] - cases.offsets[i] == known[rows].sum()


@given(histories)
def test_a_target_behind_its_users_limit_stays_there(h: Histories) -> None:
    given = replace(h, limit=h.val_end)
    cases = apart(given, given.fit_end("train_val"), given.test)
    assert (cases.limit == cases.test).all()
    assert (apart(h, h.fit_end("train"), h.test).limit == cases.test + 1).all()

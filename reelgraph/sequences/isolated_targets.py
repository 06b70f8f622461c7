"""Targets apart: each with its history as a person of its own, so that it can be changed for one target."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int64

from reelgraph.sequences.dataset import UserHistories


@dataclass(frozen=True)
class IsolatedTargets(UserHistories):
    """One user a target, in the order of the targets: the history, and the target as the last rating."""

    fitted: Bool[np.ndarray, "ratings"]
    """Ratings that a model was fitted on. They say so themselves, since they may be moved about."""

    def mask_before(self, end: Int64[np.ndarray, " users"]) -> Bool[np.ndarray, " ratings"]:
        """Tell for each rating whether it lies before ``end``: before ``train_end`` are those fitted on."""
        return self.fitted if np.array_equal(end, self.train_end) else super().mask_before(end)

    @property
    def is_history(self) -> Bool[np.ndarray, " ratings"]:
        """True for ratings of a history, False for targets."""
        inner = np.ones(len(self.half_star_code), bool)
        inner[self.test] = False
        return inner


def isolate_targets(
    histories: UserHistories, fit_end: Int64[np.ndarray, " users"], index: Int64[np.ndarray, " targets"]
) -> IsolatedTargets:
    """Take the targets at ``index`` apart; a model was fitted on each user's ratings before ``fit_end``.

    A rater predicts ``cases.test`` with ``cases.train_end`` as it would ``index`` with ``fit_end``.
    """
    user = histories.users_of(index)
    start = histories.offsets[user]
    end = histories.history_end(index)
    size = end - start + 1
    offsets = np.concatenate([[0], np.cumsum(size)])
    place = np.arange(offsets[-1]) + np.repeat(start - offsets[:-1], size)
    place[offsets[1:] - 1] = index
    fitted = histories.mask_before(fit_end)[place]
    known = offsets[:-1] + np.diff(np.concatenate([[0], np.cumsum(fitted)])[offsets])
    none = np.zeros(0, np.int64)
    return IsolatedTargets(
        user_id=np.asarray(histories.user_id)[user],
        offsets=offsets,
        movie_row=np.asarray(histories.movie_row)[place],
        half_star_code=np.asarray(histories.half_star_code)[place],
        timestamp=np.asarray(histories.timestamp)[place],
        train_end=known,
        val_end=known,
        # A target behind its user's limit stays there: its history may hold later ratings.
        history_cap=offsets[1:] - (index >= histories.history_cap[user]),
        train=none,
        val=none,
        test=offsets[1:] - 1,
        fitted=fitted,
    )
